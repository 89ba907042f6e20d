import { logFile } from '../processes/child.ts'
import { isLoopback } from '../profile/host.ts'
import type { Settings } from '../profile/settings.ts'
import { keycloakAdminUser } from './keycloak-admin.ts'
import { demoAccounts } from './realm.ts'

type Summary = Settings & { mailUrl: string; hasRabbitmqConsole: boolean; demo: boolean; seconds: string }

/** What `npm start` prints when everything runs. */
export const formatSummary = (all: Summary): string => {
  const { publicUrl, keycloakPublicUrl, ports, secrets, mailUrl, home, seconds } = all
  const rabbitmq = all.hasRabbitmqConsole
    ? `\n  RabbitMQ          http://localhost:${ports.RABBITMQ_MANAGEMENT_PORT}   clientele / ${secrets.rabbitmq}
  Events (AMQP)     amqp://localhost:${ports.RABBITMQ_PORT}   for an account: npm run broker-account -- --name erp`
    : ''
  return `
Clientele is ready after ${seconds} s.

  Gateway           ${publicUrl}
  API docs          ${publicUrl}/docs
  Keycloak console  ${keycloakPublicUrl}/admin/   ${keycloakAdminUser} / ${secrets.keycloakAdmin}${rabbitmq}
  Caught mail, SMS  ${mailUrl}
  Logs              ${logFile(home, '*')}
${all.demo ? demoSection(publicUrl) : ''}${isLoopback(all.host) ? '' : hostWarning(all)}
Ctrl-C or \`npm stop\` stops everything. \`npm run clean\` removes the data.
`
}

const hostWarning = ({ host, demo }: Summary): string => `
  HOST=${host}: other machines can reach the gateway and Keycloak.${
    demo
      ? `
  Anybody who can reach them can sign in as admin / 12345. Delete the demo accounts in the Keycloak
  console, or change their passwords. Later starts keep your changes.`
      : ''
  }
  To sign in with a browser from another machine, set CLIENTELE_PUBLIC_URL and CLIENTELE_KEYCLOAK_PUBLIC_URL to
  the addresses that it uses.
`

const demoSection = (publicUrl: string): string => {
  const accounts = demoAccounts
    .map(({ username, password, role }) => `    ${username.padEnd(7)} ${password}   role ${role}`)
    .join('\n')
  return `
  Demo accounts (their passwords are public):
${accounts}

  Try it:
    TOKEN=$(curl -s ${publicUrl}/v1/auth/login -H 'content-type: application/json' -d '{"username":"user","password":"12345"}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')
    curl -s "${publicUrl}/v1/customers?limit=3" -H "authorization: Bearer $TOKEN"
`
}
