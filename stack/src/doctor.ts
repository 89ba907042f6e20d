import { join } from 'node:path'
import { demoAccounts } from './backing/realm.ts'
import { isElsewhere } from './backup/installation.ts'
import {
  audienceCheck,
  brokerCheck,
  type Check,
  folderCheck,
  healthCheck,
  identityChecks,
  schemaCheckAt,
} from './checks/installation-checks.ts'
import { journalsCheck } from './checks/realm-checks.ts'
import { checksElsewhere } from './checks/remote-checks.ts'
import { runChecks } from './checks/run-checks.ts'
import { fail } from './processes/fail.ts'
import { databaseUrl, services } from './profile/services.ts'
import { settings } from './profile/settings.ts'

/** The installation that `npm start` runs here. */
const checksHere = (): Check[] => {
  const { home, ports, secrets, publicUrl, keycloakUrl, keycloakPublicUrl } = settings()
  const place = {
    publicUrl,
    gatewayUrl: publicUrl,
    keycloakUrl,
    keycloakPublicUrl,
    userServiceSecret: secrets.userService,
  }
  const postgresUrl =
    process.env.CLIENTELE_POSTGRES_URL ?? `postgres://postgres@127.0.0.1:${ports.POSTGRES_PORT}/postgres`
  const rabbitmqUrl =
    process.env.CLIENTELE_RABBITMQ_URL ?? `amqp://clientele:${secrets.rabbitmq}@127.0.0.1:${ports.RABBITMQ_PORT}`
  const demo = demoAccounts.find(({ role }) => role === 'user')
  const username = process.env.DOCTOR_USERNAME ?? demo?.username ?? ''
  const password = process.env.DOCTOR_PASSWORD ?? demo?.password ?? ''
  return [
    healthCheck(place),
    ...identityChecks(place),
    audienceCheck(place, username, password),
    journalsCheck(place),
    brokerCheck(rabbitmqUrl),
    ...services
      .filter(({ schema }) => schema)
      .map((row) => schemaCheckAt(row.name, databaseUrl(row, { postgresUrl, secrets }))),
    folderCheck(join(home, 'media')),
  ]
}

const notRunning = 'start it; where it runs elsewhere, give its address (see .env.sample and docs/operate.md)'

const checks = (() => {
  try {
    return isElsewhere() ? checksElsewhere(process.env) : checksHere()
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
})()
const faults = await runChecks(checks, ({ fix }, message) =>
  /does not answer|ECONNREFUSED/.test(message) ? `${notRunning}; ${fix}` : fix,
)
process.exit(faults === 0 ? 0 : 1)
