// Sends a GET to each address on standard input, through one pipeline with one credential, and
// prints each answer as a line of JSON.
//
//   node get.cjs POLICY SCOPE WAY [WORD...]
"use strict";

const { createInterface } = require("node:readline");
const { authorizeRequestOnClaimChallenge } = require("@azure/core-client");
const {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createPipelineFromOptions,
  createPipelineRequest,
} = require("@azure/core-rest-pipeline");
const { credential } = require("./credential.cjs");

const CALLBACKS = {
  // What the pipeline does by itself: it declares that it follows claims challenges.
  declared: undefined,
  // What programs did before it: nothing is declared, and core-client reads a challenge.
  undeclared: {
    async authorizeRequest({ request, scopes, getAccessToken }) {
      const { token } = await getAccessToken(scopes, {});
      request.headers.set("Authorization", `Bearer ${token}`);
    },
    authorizeRequestOnChallenge: authorizeRequestOnClaimChallenge,
  },
};

function pipeline(policy, scopes, ...way) {
  const mine = createPipelineFromOptions({});
  const challengeCallbacks = CALLBACKS[policy];
  mine.addPolicy(
    bearerTokenAuthenticationPolicy({ credential: credential(way), scopes, challengeCallbacks }),
  );
  return mine;
}

async function main() {
  const [client, mine] = [createDefaultHttpClient(), pipeline(...process.argv.slice(2))];
  for await (const url of createInterface({ input: process.stdin })) {
    const said = await mine
      .sendRequest(client, createPipelineRequest({ url }))
      .then(({ status, bodyAsText }) => ({ status, body: bodyAsText }))
      .catch(({ name, message }) => ({ error: name, message }));
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
}

main();
