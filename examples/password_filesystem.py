"""End-user authentication without multi-factor authentication, for the file system.

Microsoft's article does this with lib.auth(tenant_id, username, password). The program asks
for the password.
"""

from azure.datalake.store import core

from adls_enduser import filesystem_token

TENANT = "contoso.onmicrosoft.com"
USERNAME = "ada@contoso.onmicrosoft.com"
STORE = "mystore"

token = filesystem_token(mode="password", tenant=TENANT, username=USERNAME)
# Pass the token first, without a keyword: each generation of the SDK names it differently.
filesystem = core.AzureDLFileSystem(token, store_name=STORE)

with filesystem.open("/hello.txt", "wb") as file:
    file.write(b"Hello from Python\n")
print(filesystem.cat("/hello.txt").decode(), end="")
print(filesystem.ls("/"))
