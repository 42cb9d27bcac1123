"""Apache's mod_auth_openidc, unmodified, before a page: it finds the domain at the edge's TLS by discovery, signs the demo user in by the pages' form,
shows who came, and signs out. Usage: apache_rp.py UP_JSON"""

import html
import re
import secrets
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import requests

from system import expect, expect_equal, run, until

MODULES = Path("/usr/lib/apache2/modules")
NEEDED = ["mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "dir"]


def check(system, _):
    up = vars(system)
    port = free_port()
    app = f"http://localhost:{port}"
    made = system.admin.create_user_pool_client(
        UserPoolId=up["pool_id"],
        ClientName="apache",
        GenerateSecret=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["openid", "email"],
        CallbackURLs=[f"{app}/private/callback"],
        LogoutURLs=[f"{app}/"],
        SupportedIdentityProviders=["COGNITO"],
    )["UserPoolClient"]
    with tempfile.TemporaryDirectory() as folder:
        apache = start(Path(folder), port, up, made)
        try:
            until(lambda: answers(port), "Apache")
            browse(up, app)
        except Exception:
            print((Path(folder) / "error.log").read_text()[-2_000:])
            raise
        finally:
            apache.send_signal(signal.SIGTERM)
            apache.wait(timeout=10)
            system.admin.delete_user_pool_client(UserPoolId=up["pool_id"], ClientId=made["ClientId"])
    return f"mod_auth_openidc against {up['domain_tls']}"


def browse(up, app):
    browser = requests.Session()
    browser.verify, browser.trust_env = up["ca"], False
    page = browser.get(f"{app}/private/", timeout=10)
    expect(page.url.startswith(f"{up['domain_tls']}/login"), f"the protected page leads to {page.url}")
    action = html.unescape(re.search(r'action="([^"]*)"', page.text).group(1))
    token = re.search(r'name="_csrf" value="([^"]*)"', page.text).group(1)
    form = {"_csrf": token, "username": up["demo_user"], "password": up["demo_password"]}
    page = browser.post(up["domain_tls"] + action, data=form, timeout=10)
    expect_equal((page.status_code, page.text.strip()), (200, "inside"), "the page after the sign-in")
    claims = browser.get(f"{app}/private/callback?info=json", timeout=10).json()
    expect_equal(claims["userinfo"]["email"], up["demo_user"], "the e-mail address that Apache knows")
    expect_equal(claims["id_token"]["email"], up["demo_user"], "the ID token's")
    left = browser.get(f"{app}/private/callback?logout={app}/", timeout=10)
    expect_equal((left.status_code, left.url), (200, f"{app}/"), "where the sign-out leads")
    page = browser.get(f"{app}/private/", timeout=10)
    expect(page.url.startswith(f"{up['domain_tls']}/login"), f"after the sign-out the protected page is {page.url}")


def start(folder, port, up, client):
    (folder / "www" / "private").mkdir(parents=True)
    (folder / "www" / "index.html").write_text("outside\n")
    (folder / "www" / "private" / "index.html").write_text("inside\n")
    modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in NEEDED)
    (folder / "apache.conf").write_text(
        f"""{modules}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
Mutex file:{folder}
ErrorLog {folder}/error.log
DocumentRoot {folder}/www
DirectoryIndex index.html
OIDCProviderMetadataURL {up["domain_tls"]}/{up["pool_id"]}/.well-known/openid-configuration
OIDCCABundlePath {up["ca"]}
OIDCClientID {client["ClientId"]}
OIDCClientSecret {client["ClientSecret"]}
OIDCRedirectURI http://localhost:{port}/private/callback
OIDCScope "openid email"
OIDCPKCEMethod S256
OIDCInfoHook userinfo id_token
OIDCCryptoPassphrase {secrets.token_hex(16)}
<Location /private>
  AuthType openid-connect
  Require valid-user
</Location>
"""
    )
    return subprocess.Popen(["/usr/sbin/apache2", "-d", folder, "-f", folder / "apache.conf", "-DFOREGROUND"])


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    run(check)
