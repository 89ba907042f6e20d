import { logFile } from '../processes/child.ts'
import type { Settings } from '../profile/settings.ts'
import { keycloakAdminUser } from './backing.ts'
import { demoAccounts } from './realm.ts'

type Summary = Settings & { mailUrl: string; rabbitmqManaged: boolean; demo: boolean; seconds: string }

/** What a person sees when everything runs. */
export const summary = (all: Summary): string => {
  const { publicUrl, keycloakPublicUrl, ports, secrets, mailUrl, home, seconds } = all
  const rabbitmq = all.rabbitmqManaged
    ? `\n  RabbitMQ          http://localhost:${ports.RABBITMQ_MANAGEMENT_PORT}   clientele / ${secrets.rabbitmq}`
    : ''
  return `
Clientele is ready after ${seconds} s.

  Gateway           ${publicUrl}
  API docs          ${publicUrl}/docs
  Keycloak console  ${keycloakPublicUrl}/admin/   ${keycloakAdminUser} / ${secrets.keycloakAdmin}${rabbitmq}
  Caught mail       ${mailUrl}
  Logs              ${logFile(home, '*')}
${all.demo ? demoPart(publicUrl) : ''}
Ctrl-C stops everything it started. \`npm run clean\` removes the data.
`
}

const demoPart = (publicUrl: string): string => {
  const accounts = demoAccounts
    .map(({ username, password, role }) => `    ${username.padEnd(7)} ${password}   role ${role}`)
    .join('\n')
  return `
  Demo accounts (only on this machine; their passwords are public):
${accounts}

  Try it:
    TOKEN=$(curl -s ${publicUrl}/v1/auth/login -H 'content-type: application/json' -d '{"username":"user","password":"12345"}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')
    curl -s "${publicUrl}/v1/customers?limit=3" -H "authorization: Bearer $TOKEN"
`
}
