import { join } from 'node:path'
import { brokerAdministrator } from '@clientele/contracts/broker-accounts'
import { demoAccounts } from './backing/realm.ts'
import { isRemoteInstallation } from './backup/installation.ts'
import { brokerAccountsCheck, brokerCheck } from './checks/broker-checks.ts'
import {
  audienceCheck,
  type Check,
  databaseChecksAt,
  healthCheck,
  identityChecks,
  mediaFolderCheck,
} from './checks/installation-checks.ts'
import { eventLogsCheck } from './checks/realm-checks.ts'
import { remoteChecks } from './checks/remote-checks.ts'
import { runChecks } from './checks/run-checks.ts'
import { fail } from './processes/fail.ts'
import { brokerUrl, databaseUrl, services } from './profile/services.ts'
import { loadSettings } from './profile/settings.ts'

/** The checks of the installation that `npm start` runs in this folder. */
const localChecks = (): Check[] => {
  const { home, ports, secrets, publicUrl, keycloakUrl, keycloakPublicUrl } = loadSettings()
  const addresses = {
    publicUrl,
    gatewayUrl: publicUrl,
    keycloakUrl,
    keycloakPublicUrl,
    userServiceSecret: secrets.userService,
  }
  const postgresUrl =
    process.env.CLIENTELE_POSTGRES_URL ?? `postgres://postgres@127.0.0.1:${ports.POSTGRES_PORT}/postgres`
  const rabbitmqUrl =
    process.env.CLIENTELE_RABBITMQ_URL ??
    `amqp://${brokerAdministrator}:${secrets.rabbitmq}@127.0.0.1:${ports.RABBITMQ_PORT}`
  // An external broker has accounts if `npm start` could create them.
  const hasBrokerAccounts = !process.env.CLIENTELE_RABBITMQ_URL || Boolean(process.env.RABBITMQ_ADMIN_URL)
  const brokerUrls = services.map(
    ({ name }) => [name, brokerUrl(name, { rabbitmqUrl, hasBrokerAccounts, secrets })] as const,
  )
  const demo = demoAccounts.find(({ role }) => role === 'user')
  const username = process.env.DOCTOR_USERNAME ?? demo?.username ?? ''
  const password = process.env.DOCTOR_PASSWORD ?? demo?.password ?? ''
  return [
    healthCheck(addresses),
    ...identityChecks(addresses),
    audienceCheck(addresses, username, password),
    eventLogsCheck(addresses),
    brokerCheck(rabbitmqUrl),
    brokerAccountsCheck(new Map(brokerUrls), hasBrokerAccounts),
    ...services
      .filter(({ schema }) => schema)
      .flatMap((row) => databaseChecksAt(row.name, databaseUrl(row, { postgresUrl, secrets }))),
    mediaFolderCheck(join(home, 'media')),
  ]
}

const notRunning = 'start it, or set its address if it runs elsewhere (see .env.sample and docs/operate.md)'

const checks = (() => {
  try {
    return isRemoteInstallation() ? remoteChecks(process.env) : localChecks()
  } catch (error) {
    return fail(error)
  }
})()
const failures = await runChecks(checks, ({ fix }, message) =>
  /does not respond|ECONNREFUSED/.test(message) ? `${notRunning}; ${fix}` : fix,
)
process.exit(failures === 0 ? 0 : 1)
