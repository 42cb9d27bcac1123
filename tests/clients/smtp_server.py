"""A mail server for tests (aiosmtpd): `smtp_server.py PORT FOLDER [CERT KEY USER PASSWORD]`.

What it takes it writes to FOLDER/N.eml. How it answers is said by the file FOLDER/mode, read at each message:
  ok | defer (451) | refuse (550) | slow SECONDS (takes it, answers later) | close (takes it, and hangs up without an answer)
With CERT it demands STARTTLS and a login.
"""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Mailbox:
    def __init__(self, folder):
        self.folder, self.count = folder, len(list(folder.glob("*.eml")))

    def mode(self):
        file = self.folder / "mode"
        return (file.read_text().split() if file.exists() else []) or ["ok"]

    async def handle_RCPT(self, server, session, envelope, address, options):
        mode = self.mode()[0]
        if mode == "defer":
            return "451 4.7.1 not now, " + address
        if mode == "refuse":
            return "550 5.1.1 nobody called " + address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mode = self.mode()
        self.count += 1
        draft = self.folder / f".{self.count}.draft"
        draft.write_bytes(envelope.content)
        draft.rename(self.folder / f"{self.count}.eml")
        if mode[0] == "close":
            server.transport.abort()
        if mode[0] == "slow":
            await asyncio.sleep(float(mode[1]))
        return "250 OK"


async def serve(port, folder, secure):
    arguments = {"hostname": "localhost", "enable_SMTPUTF8": True}
    if secure:
        certificate, key, user, password = secure
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        wanted = LoginPassword(user.encode(), password.encode())

        def login(server, session, envelope, mechanism, given):
            return AuthResult(success=given == wanted)

        arguments |= {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": login}
    mailbox = Mailbox(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mailbox, **arguments), "127.0.0.1", port)
    print("ready", flush=True)
    # Ends with its standard input, so with the test.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]))
