// Signs in with a client of Node's, and prints its tokens (or what refuses them) as JSON.
//
//   node oauth.cjs CLIENT WAY TENANT SCOPE [USERNAME PASSWORD]
"use strict";

const { pathToFileURL } = require("node:url");

const AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const HOST = "https://login.microsoftonline.com";
const show = ({ message }) => process.stderr.write(`${message}\n`);

// openid-client is an ECMAScript module, and NODE_PATH is for the other kind only.
const imported = (name) => import(pathToFileURL(require.resolve(name)));

// What follows the environment's proxy. msal-node's own proxyUrl sends a CONNECT without a port and
// then plain HTTP (3.8.10, HttpClient.ts); Azure SDKs hand over a client of their own as well.
function proxied() {
  const { EnvHttpProxyAgent, fetch } = require("undici");
  const dispatcher = new EnvHttpProxyAgent();
  return (url, options) => fetch(url, { ...options, dispatcher });
}

function network() {
  const fetched = proxied();
  const send = async (url, method, { headers, body } = {}) => {
    const answer = await fetched(url, { method, headers, body });
    const found = Object.fromEntries(answer.headers);
    return { status: answer.status, headers: found, body: await answer.json() };
  };
  return {
    sendGetRequestAsync: (url, options) => send(url, "GET", options),
    sendPostRequestAsync: (url, options) => send(url, "POST", options),
  };
}

async function msalNode(way, tenant, scope, username, password) {
  const { PublicClientApplication } = require("@azure/msal-node");
  const auth = { clientId: AZURE_CLI, authority: `${HOST}/${tenant}` };
  const client = new PublicClientApplication({ auth, system: { networkClient: network() } });
  const found =
    way === "password"
      ? await client.acquireTokenByUsernamePassword({ scopes: [scope], username, password })
      : await client.acquireTokenByDeviceCode({ scopes: [scope], deviceCodeCallback: show });
  const { account } = found;
  const again = await client.acquireTokenSilent({ account, scopes: [scope], forceRefresh: true });
  return [found.accessToken, again.accessToken];
}

async function adalNode(way, tenant, resource, username, password) {
  const { AuthenticationContext } = require("adal-node");
  const context = new AuthenticationContext(`${HOST}/${tenant}`);
  const ask = (name, ...words) =>
    new Promise((done, failed) => {
      context[name](...words, (error, found) => (error ? failed(error) : done(found)));
    });
  if (way === "password") {
    const words = [resource, username, password, AZURE_CLI];
    return [(await ask("acquireTokenWithUsernamePassword", ...words)).accessToken];
  }
  const code = await ask("acquireUserCode", resource, AZURE_CLI, "en-us");
  show(code);
  return [(await ask("acquireTokenWithDeviceCode", resource, AZURE_CLI, code)).accessToken];
}

async function openidClient(way, tenant, scope, username, password) {
  const client = await imported("openid-client");
  const options = { [client.customFetch]: proxied() };
  const address = new URL(`${HOST}/${tenant}/v2.0`);
  const config = await client.discovery(address, AZURE_CLI, undefined, client.None(), options);
  const wanted = { scope: `${scope} openid offline_access` };
  let found;
  if (way === "password") {
    const words = { ...wanted, username, password };
    found = await client.genericGrantRequest(config, "password", words);
  } else {
    const code = await client.initiateDeviceAuthorization(config, wanted);
    show(code);
    found = await client.pollDeviceAuthorizationGrant(config, code);
  }
  const again = await client.refreshTokenGrant(config, found.refresh_token, wanted);
  return [found.access_token, again.access_token];
}

const CLIENTS = {
  "msal-node": msalNode,
  "adal-node": adalNode,
  "openid-client": openidClient,
};

const [name, ...words] = process.argv.slice(2);
CLIENTS[name](...words)
  .then((tokens) => ({ tokens }))
  .catch(({ name: error, message, error_description }) => ({
    error,
    message: error_description ?? message,
  }))
  .then((said) => process.stdout.write(`${JSON.stringify(said)}\n`));
