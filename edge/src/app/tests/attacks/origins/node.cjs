// What node made of a request. Arguments: port, file for what was seen, "lenient" for node's parser that accepts more.
const fs = require('fs')
const http = require('http')

const [port, file, lenient] = process.argv.slice(2)
const server = http.createServer({ insecureHTTPParser: lenient === 'lenient', keepAliveTimeout: 30000 }, (request, response) => {
  let length = 0
  request.on('data', (chunk) => { length += chunk.length })
  request.on('error', () => {})
  request.on('end', () => {
    fs.appendFileSync(file, `${request.method}\t${request.url}\t${length}\n`)
    response.setHeader('x-seen', `${request.method} ${request.url}`)
    for (const zone of zones(request.url)) response.setHeader('x-zone', zone)
    response.end()
  })
})
server.maxRequestsPerSocket = 0
server.on('checkContinue', (request, response) => { response.writeContinue(); server.emit('request', request, response) })
server.listen(Number(port), '127.0.0.1')

// The two ways in which frameworks on node read a path: the URL parser's, and the raw one decoded.
function zones (target) {
  const readings = []
  try { readings.push(decodeURIComponent(new URL(target, 'http://origin.test').pathname)) } catch {}
  try { readings.push(require('path').posix.normalize(decodeURIComponent(target.split(/[?#]/)[0]))) } catch {}
  const found = new Set()
  for (const path of readings) {
    if (path.startsWith('/admin/')) found.add('admin')
    if (path === '/panel') found.add('panel')
  }
  return found
}
