import { databaseConfig } from '@clientele/platform/data/database-config'
import { type Provision, provisionDatabase } from '@clientele/platform/data/provision'
import { ConfigError, httpUrl, loadConfig, publishedSecrets, serviceConfig } from '@clientele/platform/runtime/config'
import { runOnce } from './processes/run-once.ts'
import { services } from './profile/services.ts'

const address = databaseConfig.databaseUrl

/** What a database address asks for: its role with its password, and the schema that the role owns. */
const provisionOf = (url: string, schema: string, extensions: string[] = []): Provision => {
  const { pathname, username, password } = new URL(url)
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

await runOnce(async () => {
  // It sees every secret of the installation, before anything else has begun.
  const { profile } = loadConfig({ profile: serviceConfig.profile })
  const known = profile === 'production' ? publishedSecrets(process.env) : []
  if (known.length > 0) throw new ConfigError(`PROFILE=production needs secrets of your own in ${known.join(', ')}`)

  const schemas = services.flatMap(({ schema }) => schema ?? [])
  const settings = loadConfig({
    postgresUrl: address,
    keycloakDatabaseUrl: address.optional(),
    gcsEndpoint: httpUrl.optional(),
  })
  const urls = loadConfig(Object.fromEntries(schemas.map(({ name }) => [`${name}DatabaseUrl`, address])))
  const rows = schemas.map(({ name, extensions }) => provisionOf(urls[`${name}DatabaseUrl`] ?? '', name, extensions))
  if (settings.keycloakDatabaseUrl) rows.push(provisionOf(settings.keycloakDatabaseUrl, 'keycloak'))
  for (const row of rows) await provisionDatabase(settings.postgresUrl, row)
  const lines = rows.map(({ database, schema, role }) => `${database}: schema ${schema}, role ${role}`)
  const { MEDIA_BUCKET: bucket } = process.env
  if (!settings.gcsEndpoint || !bucket) return lines
  await createBucket(settings.gcsEndpoint, bucket)
  return [...lines, `bucket ${bucket}`]
})
