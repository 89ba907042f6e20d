import { join } from 'node:path'
import {
  audienceCheck,
  brokerCheck,
  type Check,
  folderCheck,
  healthCheck,
  identityChecks,
  schemaCheck,
} from './doctor-checks.ts'
import { demoAccounts } from './realm.ts'
import { services } from './services.ts'
import { settings } from './settings.ts'

const here = settings()
const { home, ports, secrets } = here
const postgresUrl =
  process.env.CLIENTELE_POSTGRES_URL ?? `postgres://postgres@127.0.0.1:${ports.POSTGRES_PORT}/postgres`
const rabbitmqUrl =
  process.env.CLIENTELE_RABBITMQ_URL ?? `amqp://clientele:${secrets.rabbitmq}@127.0.0.1:${ports.RABBITMQ_PORT}`
const demo = demoAccounts.find(({ role }) => role === 'user')
const username = process.env.DOCTOR_USERNAME ?? demo?.username ?? ''
const password = process.env.DOCTOR_PASSWORD ?? demo?.password ?? ''

const checks: Check[] = [
  healthCheck(here),
  ...identityChecks(here),
  audienceCheck(here, username, password),
  brokerCheck(rabbitmqUrl),
  ...services.filter(({ schema }) => schema).map((row) => schemaCheck(row, { postgresUrl, secrets })),
  folderCheck(join(home, 'media')),
]

const notRunning = 'run `npm start`; where it runs elsewhere, give its address (see .env.sample)'

let faults = 0
for (const { name, fix, look } of checks) {
  try {
    console.log(`  ok    ${name}: ${await look()}`)
  } catch (error) {
    faults += 1
    const message = (error instanceof Error && error.message) || String(error)
    const gone = /does not answer|ECONNREFUSED/.test(message)
    console.log(`  FAULT ${name}: ${message}\n        fix: ${gone ? notRunning : fix}`)
  }
}
console.log(faults === 0 ? 'all is well' : `${faults} of ${checks.length} checks failed`)
process.exit(faults === 0 ? 0 : 1)
