"""Create a folder, upload a file, list it, download it and delete it; transfers use threads."""

import tempfile
from pathlib import Path

from azure.datalake.store import core, multithread

from adls_enduser import filesystem_token

TENANT = "contoso.onmicrosoft.com"
STORE = "mystore"

token = filesystem_token(mode="device_code", tenant=TENANT)
filesystem = core.AzureDLFileSystem(token, store_name=STORE)

with tempfile.TemporaryDirectory() as folder:
    here, back = Path(folder, "numbers.csv"), Path(folder, "back.csv")
    here.write_text("".join(f"{number},{number**2}\n" for number in range(500_000)))

    filesystem.mkdir("/sample")
    multithread.ADLUploader(filesystem, "/sample/numbers.csv", str(here), nthreads=4)
    print("Uploaded", filesystem.info("/sample/numbers.csv")["length"], "bytes")
    print(filesystem.ls("/sample"))

    multithread.ADLDownloader(filesystem, "/sample/numbers.csv", str(back), nthreads=4)
    print("Came back unchanged:", back.read_bytes() == here.read_bytes())

filesystem.rm("/sample", recursive=True)
print("Left:", filesystem.ls("/"))
