// Changes the tags of a resource with @azure/arm-resources, and prints what is there, as JSON.
//
//   node resources.cjs SUBSCRIPTION SCOPE WAY [WORD...]
"use strict";

const { ResourceManagementClient } = require("@azure/arm-resources");
const { credential } = require("./credential.cjs");

async function main(subscription, scope, ...way) {
  const client = new ResourceManagementClient(credential(way), subscription);
  const patch = { operation: "Merge", properties: { tags: { team: "lake" } } };
  const changed = await client.tagsOperations.updateAtScope(scope, patch);
  const groups = [];
  for await (const group of client.resourceGroups.list()) {
    groups.push([group.name, group.tags]);
  }
  return { tags: changed.properties.tags, groups };
}

main(...process.argv.slice(2))
  .catch(({ name, message }) => ({ error: name, message }))
  .then((said) => process.stdout.write(`${JSON.stringify(said)}\n`));
