"""Sign in without stopping the event loop: other tasks run while the person enters the code."""

import asyncio
import threading

from adls_enduser import filesystem_token, sign_in_async

TENANT = "contoso.onmicrosoft.com"


async def main():
    cancel = threading.Event()  # is set if this task is cancelled, and ends the sign-in too
    sign_in = sign_in_async(filesystem_token, "device_code", tenant=TENANT, cancel=cancel)
    credential = await asyncio.wait_for(sign_in, timeout=600)
    async with credential.aio() as credential:
        token = await credential.get_token("https://datalake.azure.net/.default")
        print("The token ends at", token.expires_on)


asyncio.run(main())
