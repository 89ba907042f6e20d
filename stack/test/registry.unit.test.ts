import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseRegistry, type Registry, registry } from '@clientele/contracts/services'
import { loadConfig } from '@clientele/platform/runtime/config'
import { serviceUrls } from '../../e2e/services.ts'
import { addressKeys, addressShape, configShape } from '../../gateway/src/config.ts'
import { serviceAddresses as gatewayTable } from '../../gateway/src/services.ts'
import { projectRoot } from '../src/processes/folders.ts'
import { fillPlaceholders } from '../src/profile/local-env.ts'
import { portDefaultsOf } from '../src/profile/ports.ts'
import { secretNamesOf } from '../src/profile/secrets.ts'
import { addressesFor, serviceRows } from '../src/profile/services.ts'
import { findMissingTexts } from '../src/registry/missing-texts.ts'
import { requiredFiles } from '../src/registry/required-files.ts'

const read = (file: string): string | undefined => {
  const path = join(projectRoot, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
const folders = readdirSync(projectRoot)
const json = (): { services: object[] } => JSON.parse(read('services.json') ?? '')
const withRow = (row: object): Registry => parseRegistry({ ...json(), services: [...json().services, row] })

/** A service that does not exist yet. */
const memo = {
  name: 'memo-service',
  port: 8007,
  schema: 'memos',
  extensions: ['hstore'],
  calls: ['customer-service'],
  secrets: ['memoKey'],
}
const extended = withRow(memo)
const memoRows = serviceRows(extended)

describe('services.json', () => {
  it('services.json names every service folder, and every file that is written by hand names its services', () => {
    expect(findMissingTexts(registry, { read, folders })).toEqual([])
  })

  it.each([
    ['a duplicate name', { ...memo, name: 'order-service' }, /name order-service is given twice/],
    ['the port of another service', { ...memo, port: 8001 }, /port 8001 is given twice/],
    ['the internal port of another service', { ...memo, port: 8101 }, /port 8101 is given twice/],
    ['a duplicate schema', { ...memo, schema: 'orders' }, /schema orders is given twice/],
    [
      'a call to an unknown service',
      { ...memo, calls: ['till-service'] },
      /memo-service calls till-service, which is not a service/,
    ],
    ['an unknown key', { ...memo, role: 'memos' }, /role/],
    ['a name that does not end in -service', { ...memo, name: 'memos' }, /name/],
  ])('services.json is refused with %s', (_, row, message) => {
    expect(() => withRow(row)).toThrow(message)
  })
})

describe('A service that was added to services.json only', () => {
  const lines = findMissingTexts(extended, { read, folders })

  it('the check names every file that does not mention a new service', () => {
    expect([...new Set(lines.map((line) => line.split(' ', 1)[0]))].sort()).toEqual([
      '.env.sample',
      'README.md',
      'contracts/generated/memo-service.openapi.json',
      'deploy/aws/task-definitions/gateway.json',
      'deploy/aws/task-definitions/memo-service.json',
      'deploy/aws/task-definitions/migrate.json',
      'deploy/helm/clientele/tests/branches_test.yaml',
      'deploy/helm/clientele/tests/deployment_test.yaml',
      'deploy/prometheus/prometheus.yml',
      'docker-compose.yml',
      'docs/deploy/aws-ecs.md',
      'docs/operate.md',
      'e2e/faults/faults.ts',
      'e2e/hostile/tokens.test.ts',
      'e2e/monitoring/monitoring.test.ts',
      'k8s/base/provision.sql',
      'k8s/make-secrets',
      'k8s/overlays/local/20-passwords.sh',
      'k8s/overlays/local/postgres.yaml',
      'k8s/overlays/local/rabbitmq.yaml',
      'k8s/overlays/production/postgres.yaml',
      'memo-service/package.json',
    ])
  })

  it('the check names every missing text, not only the first one of a file', () => {
    const memoFiles = requiredFiles({ ...extended, services: extended.services.slice(-1) })
    const present = memoFiles.filter(({ file }) => read(file) !== undefined && !file.includes('helm'))
    const texts = present.reduce((sum, { texts }) => sum + texts.length, 0)
    const absent = memoFiles.filter(({ file }) => read(file) === undefined)
    const counted = lines.filter((line) => line.includes('deploy/helm')).length
    expect(absent.map(({ file }) => file)).toEqual([
      'deploy/aws/task-definitions/memo-service.json',
      'memo-service/package.json',
      'contracts/generated/memo-service.openapi.json',
    ])
    expect(lines).toHaveLength(texts + absent.length + counted)
    expect(lines).toContain(
      'deploy/aws/task-definitions/migrate.json does not contain parameter/clientele/owner-database-url in the container memo-service',
    )
    expect(lines).toContain('k8s/make-secrets does not contain memos in the line "for schema in…"')
    expect(lines).toContain(
      'docker-compose.yml does not contain "CUSTOMER_SERVICE_URL: http://customer-service:8000" under memo-service',
    )
  })

  it('the check names a service folder that is not in services.json', () => {
    expect(findMissingTexts(registry, { read, folders: [...folders, 'memo-service'] })).toEqual([
      'services.json does not contain memo-service',
    ])
  })

  it('the gateway requires the URLs of a new service and forwards to it', () => {
    const shape = { ...configShape, ...addressShape(extended.services) }
    expect(() => loadConfig(shape, {})).toThrow(
      /USER_SERVICE_URL is missing.*RABBITMQ_URL is missing|RABBITMQ_URL is missing.*USER_SERVICE_URL is missing/,
    )
    expect(() => loadConfig(shape, {})).toThrow(/MEMO_SERVICE_URL is missing; MEMO_SERVICE_INTERNAL_URL is missing/)
    const env = serviceUrls(
      (name) => `http://${name.replace(':', '-')}`,
      extended.services.map(({ name }) => name),
    )
    const others = {
      RABBITMQ_URL: 'amqp://r',
      KEYCLOAK_URL: 'http://k',
      KEYCLOAK_ISSUER: 'https://k',
      PUBLIC_URL: 'https://p',
    }
    const config = {
      ...loadConfig(configShape, { ...others, ...env }),
      ...loadConfig(addressShape(extended.services), env),
    }
    expect(gatewayTable(config, extended.services).at(-1)).toEqual({
      name: 'memo-service',
      url: 'http://memo-service',
      internalUrl: 'http://memo-service-internal',
    })
    expect(addressKeys('memo-service')).toEqual({ url: 'memoServiceUrl', internalUrl: 'memoServiceInternalUrl' })
  })

  it('a new service has ports, role, secrets and the URLs of the services that it calls in the local profile', () => {
    const ports = portDefaultsOf(extended.services)
    expect(ports).toMatchObject({ MEMO_SERVICE_PORT: 8007, MEMO_SERVICE_INTERNAL_PORT: 8107 })
    const [row, gateway] = memoRows.slice(-2)
    expect(row).toEqual({
      name: 'memo-service',
      port: 'MEMO_SERVICE_PORT',
      internalPort: 'MEMO_SERVICE_INTERNAL_PORT',
      schema: { name: 'memos', role: 'clientele_memos', secret: 'memosDatabase', extensions: ['hstore'] },
      calls: ['customer-service'],
      reads: [],
    })
    expect(row && addressesFor(row, ports)).toEqual({
      CUSTOMER_SERVICE_URL: 'http://127.0.0.1:8002',
      USER_SERVICE_INTERNAL_URL: 'http://127.0.0.1:8101',
    })
    expect(gateway && addressesFor(gateway, ports)).toMatchObject({
      MEMO_SERVICE_URL: 'http://127.0.0.1:8007',
      MEMO_SERVICE_INTERNAL_URL: 'http://127.0.0.1:8107',
    })
    expect(secretNamesOf(extended.services)).toEqual(expect.arrayContaining(['memosDatabase', 'memoKey']))
  })

  it('end-to-end tests know the URLs of a new service', () => {
    expect(serviceUrls((name) => name, ['memo-service'])).toEqual({
      MEMO_SERVICE_URL: 'memo-service',
      MEMO_SERVICE_INTERNAL_URL: 'memo-service:internal',
    })
  })
})

describe('Placeholders in a local.env', () => {
  const values = {
    home: '/data',
    publicUrl: 'http://crm',
    port: (name: string) => `<${name}>`,
    secret: (name: string) => `*${name}*`,
  }

  const inBraces = (placeholder: string): string => `\${${placeholder}}`

  it('fillPlaceholders replaces the placeholders of folder, URL, ports and secrets', () => {
    const text = [
      `${inBraces('home')}/media`,
      ...['publicUrl', 'port.SMTP_PORT', 'secret.callback'].map(inBraces),
    ].join(' ')
    expect(fillPlaceholders(text, values)).toBe('/data/media http://crm <SMTP_PORT> *callback*')
  })

  it.each(['secrets.callback', 'port', 'HOME', ''])(
    'fillPlaceholders refuses the unknown placeholder "%s"',
    (placeholder) => {
      expect(() => fillPlaceholders(inBraces(placeholder), values)).toThrow(/unknown placeholder/)
    },
  )
})
