import { brokerProcesses } from '@clientele/contracts/broker-accounts'
import { camelCase } from '@clientele/contracts/services'
import { databaseConfig } from '@clientele/platform/data/database-config'
import { type Provision, provisionDatabase, type Role } from '@clientele/platform/data/provision'
import { ConfigError, httpUrl, loadConfig, publishedSecrets, serviceConfig } from '@clientele/platform/runtime/config'
import { operatorAccount, processAccount, provisionBroker } from './broker/accounts.ts'
import { managementApi, vhostOf } from './broker/management-api.ts'
import { runOnce } from './processes/run-once.ts'
import { demoSettings } from './profile/demo-settings.ts'
import { services } from './profile/services.ts'

const address = databaseConfig.databaseUrl

const roleIn = (url: string): Role => {
  const { username, password } = new URL(url)
  return { role: username, password: decodeURIComponent(password) }
}

/** The role and database in a URL, with their schema. */
const provisionOf = (url: string, schema: string): Provision => ({
  ...roleIn(url),
  database: new URL(url).pathname.slice(1),
  schema,
})

/** Creates the bucket in the emulator. A bucket at Google is created by an operator, with its permissions. */
const createBucket = async (endpoint: string, name: string): Promise<void> => {
  const response = await fetch(`${endpoint}/storage/v1/b?project=local`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
    signal: AbortSignal.timeout(20_000),
  })
  if (!response.ok && response.status !== 409)
    throw new Error(`bucket ${name} could not be created: ${endpoint} returned ${response.status}`)
}

const brokerKey = (process: string): string => `${camelCase(process)}RabbitmqUrl`

/** Creates the accounts of all processes and of the operator, with the names and passwords in their URLs. */
const provisionAccounts = async (adminUrl: string): Promise<string> => {
  const { rabbitmqUrl } = serviceConfig
  const { operatorRabbitmqUrl, ...urls } = loadConfig({
    ...Object.fromEntries(brokerProcesses().map((process) => [brokerKey(process), rabbitmqUrl])),
    operatorRabbitmqUrl: rabbitmqUrl,
  })
  const accountIn = (url: string) => {
    const { username, password } = new URL(url)
    return [decodeURIComponent(password), decodeURIComponent(username)] as const
  }
  const accounts = brokerProcesses().map((process) => {
    const url = (urls as Record<string, string>)[brokerKey(process)] ?? ''
    return processAccount(process, ...accountIn(url))
  })
  accounts.push(operatorAccount(...accountIn(operatorRabbitmqUrl)))
  await provisionBroker(managementApi(adminUrl), vhostOf(operatorRabbitmqUrl), accounts)
  return `RabbitMQ: ${accounts.map(({ name }) => name).join(', ')}`
}

/** @throws ConfigError that names every published secret and every setting of the demo */
const refuseDemo = (env: NodeJS.ProcessEnv): void => {
  const published = publishedSecrets(env)
  const errors = [
    ...(published.length > 0
      ? [
          `PROFILE=production needs other values than the published ones in ${published.join(', ')} (for a demo: docker compose --env-file demo.env up --wait)`,
        ]
      : []),
    ...demoSettings(env),
  ]
  if (errors.length > 0) throw new ConfigError(errors.join('; '))
}

await runOnce(async () => {
  // This container runs first and has all secrets, so it checks them for the whole installation.
  const { profile } = loadConfig({ profile: serviceConfig.profile })
  if (profile === 'production') refuseDemo(process.env)

  const schemas = services.flatMap(({ schema }) => schema ?? [])
  const settings = loadConfig({
    postgresUrl: address,
    ownerDatabaseUrl: address,
    keycloakDatabaseUrl: address.optional(),
    rabbitmqAdminUrl: httpUrl.optional(),
    gcsEndpoint: httpUrl.optional(),
  })
  const urls = loadConfig(Object.fromEntries(schemas.map(({ name }) => [`${name}DatabaseUrl`, address])))
  const owner = roleIn(settings.ownerDatabaseUrl)
  const rows: Provision[] = schemas.map(({ name, extensions }) => ({
    ...provisionOf(urls[`${name}DatabaseUrl`] ?? '', name),
    owner,
    extensions,
  }))
  if (settings.keycloakDatabaseUrl) rows.push(provisionOf(settings.keycloakDatabaseUrl, 'keycloak'))
  for (const row of rows) await provisionDatabase(settings.postgresUrl, row, { isOwnServer: true })
  const lines = rows.map(({ database, schema, role }) => `${database}: schema ${schema}, role ${role}`)
  if (settings.rabbitmqAdminUrl) lines.push(await provisionAccounts(settings.rabbitmqAdminUrl))
  const { MEDIA_BUCKET: bucket } = process.env
  if (!settings.gcsEndpoint || !bucket) return lines
  await createBucket(settings.gcsEndpoint, bucket)
  return [...lines, `bucket ${bucket}`]
})
