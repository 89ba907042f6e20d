import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatSummary } from '../src/backing/start-summary.ts'
import { loadSettings } from '../src/profile/settings.ts'

const home = mkdtempSync(join(tmpdir(), 'clientele-summary-'))
const formerHome = process.env['CLIENTELE_HOME']
beforeAll(() => {
  process.env['CLIENTELE_HOME'] = home
})
afterAll(() => {
  if (formerHome === undefined) delete process.env['CLIENTELE_HOME']
  else process.env['CLIENTELE_HOME'] = formerHome
  rmSync(home, { recursive: true, force: true })
})

it('npm start prints the address of its broker and how to get an account for it, and none for a broker elsewhere', () => {
  const settings = loadSettings()
  const summary = (hasRabbitmqConsole: boolean): string =>
    formatSummary({ ...settings, mailUrl: 'http://localhost:8025', hasRabbitmqConsole, demo: true, seconds: '1.0' })
  const { RABBITMQ_PORT: port } = settings.ports
  expect(summary(true)).toMatch(
    new RegExp(`Events \\(AMQP\\) +amqp://localhost:${port} .*npm run broker-account -- --name erp`),
  )
  expect(summary(false)).not.toContain('amqp://')
})
