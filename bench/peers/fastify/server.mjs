// A token gate as Node services have it: fastify with @fastify/http-proxy, tokens checked by fast-jwt with its cache.
//   node server.mjs FILE        FILE is JSON: host, port, upstream, pem, issuer, cached_tokens
//   node server.mjs --version
import { readFileSync } from 'node:fs'
import proxy from '@fastify/http-proxy'
import { createVerifier } from 'fast-jwt'
import Fastify from 'fastify'

const [argument] = process.argv.slice(2)
if (argument === '--version') {
  const versionOf = (name) =>
    JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version
  const packages = ['fastify', '@fastify/http-proxy', 'fast-jwt'].map((name) => `${name} ${versionOf(name)}`)
  console.log([`node ${process.version}`, ...packages].join(', '))
  process.exit(0)
}

const settings = JSON.parse(readFileSync(argument))
const verify = createVerifier({
  key: readFileSync(settings.pem),
  algorithms: ['RS256'],
  allowedIss: settings.issuer,
  requiredClaims: ['iss', 'exp', 'sub'],
  cache: settings.cached_tokens
})

const server = Fastify({ logger: false, keepAliveTimeout: 60_000 })
server.decorateRequest('subject', '')
server.register(proxy, {
  upstream: settings.upstream,
  undici: { connections: 128, pipelining: 1, keepAliveTimeout: 60_000 },
  preHandler: async (request, reply) => {
    const [scheme, token] = (request.headers.authorization ?? '').split(' ')
    try {
      if (scheme !== 'Bearer') throw new Error('no bearer token')
      request.subject = verify(token).sub
    } catch {
      return reply.code(401).send({ error: 'invalid_token' })
    }
  },
  replyOptions: {
    rewriteRequestHeaders: (request, headers) => ({ ...headers, 'x-user-id': request.subject })
  }
})
await server.listen({ host: settings.host, port: settings.port })
