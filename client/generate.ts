import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { registry } from '@clientele/contracts/services'
import openapiTS, { astToString } from 'openapi-typescript'
import ts from 'typescript'
import { mergeOpenApi, readContracts, readOwnDocument } from '../gateway/src/site/api-documents.ts'

/**
 * Writes src/generated/api.ts: the types of the API, which openapi-typescript makes from contracts/generated. With `--check` it
 * fails if the file is out of date.
 */
const target = new URL('src/generated/api.ts', import.meta.url)

type Json = Record<string, unknown>
type Operation = { responses: Record<string, Json> }

const services = await readContracts(registry.services.map(({ name }) => name))
const gateway = { service: 'gateway', openapi: await readOwnDocument() }
const document = mergeOpenApi([...services, gateway], {
  publicUrl: 'http://localhost:8000',
  keycloakIssuer: 'http://localhost:8080/realms/clientele',
})

// The client throws problems and reads headers by itself. Without them the types are a third as long.
for (const item of Object.values(document['paths'] as Record<string, Record<string, Operation>>))
  for (const operation of Object.values(item))
    operation.responses = Object.fromEntries(
      Object.entries(operation.responses)
        .filter(([status]) => status < '400')
        .map(([status, { headers: _headers, links: _links, ...response }]) => [status, response]),
    )
const { schemas } = document['components'] as Json

const nodes = await openapiTS(JSON.stringify({ ...document, components: { schemas } }), {
  alphabetize: true,
  defaultNonNullable: false,
  rootTypes: true,
  rootTypesNoSchemaPrefix: true,
  transform: ({ format }) =>
    format === 'binary' ? ts.factory.createTypeReferenceNode(ts.factory.createIdentifier('Blob')) : undefined,
})
const text = `// Made by \`npm run generate\` from contracts/generated. Do not edit.\n${astToString(nodes)}`

const { check = false } = parseArgs({ options: { check: { type: 'boolean' } } }).values
const isCurrent = (await readFile(target, 'utf8').catch(() => '')) === text
if (check && !isCurrent) {
  console.error('out of date: client/src/generated/api.ts. Run `npm run generate`.')
  process.exit(1)
}
if (!isCurrent) {
  await mkdir(new URL('.', target), { recursive: true })
  await writeFile(target, text)
}
