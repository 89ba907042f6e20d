import { databaseConfig, httpUrl, loadConfig, serviceConfig } from '@clientele/platform/config'
import { type Provision, provisionDatabase } from '@clientele/platform/provision'
import { services } from './services.ts'

const secretUrl = databaseConfig.databaseUrl

/** What a database address asks for: its role with its password, and the schema that the role owns. */
const provisionOf = (address: string, schema: string, extensions: string[] = []): Provision => {
  const { pathname, username, password } = new URL(address)
  return { database: pathname.slice(1), schema, role: username, password: decodeURIComponent(password), extensions }
}

/** Makes the bucket of an emulator; one of Google's own is made with its rights by who runs it. */
const createBucket = async (endpoint: string, name: string): Promise<void> => {
  const response = await fetch(`${endpoint}/storage/v1/b?project=local`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
    signal: AbortSignal.timeout(20_000),
  })
  if (!response.ok && response.status !== 409) throw new Error(`the bucket cannot be made: ${response.status}`)
}

const schemas = services.flatMap(({ schema }) => schema ?? [])
const settings = loadConfig({
  profile: serviceConfig.profile,
  postgresUrl: secretUrl,
  keycloakDatabaseUrl: secretUrl.optional(),
  gcsEndpoint: httpUrl.optional(),
})
const addresses = loadConfig(Object.fromEntries(schemas.map(({ name }) => [`${name}DatabaseUrl`, secretUrl])))

const wanted = schemas.map(({ name, extensions }) =>
  provisionOf(addresses[`${name}DatabaseUrl`] ?? '', name, extensions),
)
if (settings.keycloakDatabaseUrl) wanted.push(provisionOf(settings.keycloakDatabaseUrl, 'keycloak'))
for (const row of wanted) {
  await provisionDatabase(settings.postgresUrl, row)
  console.log(`${row.database}: schema ${row.schema}, role ${row.role}`)
}
const bucket = process.env['MEDIA_BUCKET']
if (settings.gcsEndpoint && bucket) {
  await createBucket(settings.gcsEndpoint, bucket)
  console.log(`bucket ${bucket}`)
}
