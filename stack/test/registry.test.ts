import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseRegistry, type Registry, registry } from '@clientele/contracts/services'
import { loadConfig } from '@clientele/platform/runtime/config'
import { addresses } from '../../e2e/services.ts'
import { addressKeys, addressShape, configShape } from '../../gateway/src/config.ts'
import { services as gatewayTable } from '../../gateway/src/services.ts'
import { projectRoot } from '../src/processes/folders.ts'
import { fillPlaceholders } from '../src/profile/local-env.ts'
import { portDefaultsOf } from '../src/profile/ports.ts'
import { secretNamesOf } from '../src/profile/secrets.ts'
import { addressesFor, serviceRows } from '../src/profile/services.ts'
import { missingIn } from '../src/registry/missing.ts'
import { placesOf } from '../src/registry/places.ts'

const read = (file: string): string | undefined => {
  const path = join(projectRoot, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
const folders = readdirSync(projectRoot)
const json = (): { services: object[] } => JSON.parse(read('services.json') ?? '')
const withRow = (row: object): Registry => parseRegistry({ ...json(), services: [...json().services, row] })

/** A service that nobody has written yet. */
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
  it('names every service folder, and every place written by hand names its services', () => {
    expect(missingIn(registry, { read, folders })).toEqual([])
  })

  it.each([
    ['a name twice', { ...memo, name: 'order-service' }, /name order-service is given twice/],
    ['the port of another', { ...memo, port: 8001 }, /port 8001 is given twice/],
    ['the internal port of another', { ...memo, port: 8101 }, /port 8101 is given twice/],
    ['a schema twice', { ...memo, schema: 'orders' }, /schema orders is given twice/],
    ['a call of nobody', { ...memo, calls: ['till-service'] }, /memo-service calls till-service, which is no service/],
    ['an unknown key', { ...memo, role: 'memos' }, /role/],
    ['a name that is no folder of a service', { ...memo, name: 'memos' }, /name/],
  ])('is refused with %s', (_, row, message) => {
    expect(() => withRow(row)).toThrow(message)
  })
})

describe('a row that was just added', () => {
  const lines = missingIn(extended, { read, folders })

  it('is missed in every place that is written by hand, by file and text', () => {
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
      'e2e/test/monitoring.test.ts',
      'k8s/base/provision.sql',
      'k8s/make-secrets',
      'k8s/overlays/local/20-passwords.sh',
      'k8s/overlays/local/postgres.yaml',
      'k8s/overlays/production/postgres.yaml',
      'memo-service/package.json',
    ])
  })

  it('is missed by every single text, not only by the first of a file', () => {
    const memoPlaces = placesOf({ ...extended, services: extended.services.slice(-1) })
    const there = memoPlaces.filter(({ file }) => read(file) !== undefined && !file.includes('helm'))
    const texts = there.reduce((sum, { needs }) => sum + needs.length, 0)
    const absent = memoPlaces.filter(({ file }) => read(file) === undefined)
    const counted = lines.filter((line) => line.includes('deploy/helm')).length
    expect(absent.map(({ file }) => file)).toEqual([
      'deploy/aws/task-definitions/memo-service.json',
      'memo-service/package.json',
      'contracts/generated/memo-service.openapi.json',
    ])
    expect(lines).toHaveLength(texts + absent.length + counted)
    expect(lines).toContain('k8s/make-secrets lacks memos in the line "for schema in…"')
    expect(lines).toContain(
      'docker-compose.yml lacks "CUSTOMER_SERVICE_URL: http://customer-service:8000" under memo-service',
    )
  })

  it('is missed where its folder is there and its row is not', () => {
    expect(missingIn(registry, { read, folders: [...folders, 'memo-service'] })).toEqual([
      'services.json lacks memo-service',
    ])
  })

  it('is behind the gateway, whose faults name its addresses with the others', () => {
    const shape = { ...configShape, ...addressShape(extended.services) }
    expect(() => loadConfig(shape, {})).toThrow(
      /USER_SERVICE_URL is missing.*RABBITMQ_URL is missing|RABBITMQ_URL is missing.*USER_SERVICE_URL is missing/,
    )
    expect(() => loadConfig(shape, {})).toThrow(/MEMO_SERVICE_URL is missing; MEMO_SERVICE_INTERNAL_URL is missing/)
    const env = addresses(
      (name) => `http://${name.replace(':', '-')}`,
      extended.services.map(({ name }) => name),
    )
    const others = {
      RABBITMQ_URL: 'amqp://r',
      KEYCLOAK_URL: 'http://k',
      KEYCLOAK_ISSUER: 'http://k',
      PUBLIC_URL: 'http://p',
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

  it('has ports, role, secrets and the addresses of those that it calls in the local profile', () => {
    const ports = portDefaultsOf(extended.services)
    expect(ports).toMatchObject({ MEMO_SERVICE_PORT: 8007, MEMO_SERVICE_INTERNAL_PORT: 8107 })
    const [row, gateway] = memoRows.slice(-2)
    expect(row).toEqual({
      name: 'memo-service',
      port: 'MEMO_SERVICE_PORT',
      internalPort: 'MEMO_SERVICE_INTERNAL_PORT',
      schema: { name: 'memos', role: 'clientele_memos', secret: 'memosDatabase', extensions: ['hstore'] },
      calls: ['customer-service'],
    })
    expect(row && addressesFor(row, ports)).toEqual({ CUSTOMER_SERVICE_URL: 'http://127.0.0.1:8002' })
    expect(gateway && addressesFor(gateway, ports)).toMatchObject({
      MEMO_SERVICE_URL: 'http://127.0.0.1:8007',
      MEMO_SERVICE_INTERNAL_URL: 'http://127.0.0.1:8107',
    })
    expect(secretNamesOf(extended.services)).toEqual(expect.arrayContaining(['memosDatabase', 'memoKey']))
  })

  it('is reached by the tests of the whole', () => {
    expect(addresses((name) => name, ['memo-service'])).toEqual({
      MEMO_SERVICE_URL: 'memo-service',
      MEMO_SERVICE_INTERNAL_URL: 'memo-service:internal',
    })
  })
})

describe('the placeholders of a local.env', () => {
  const values = {
    home: '/data',
    publicUrl: 'http://crm',
    port: (name: string) => `<${name}>`,
    secret: (name: string) => `*${name}*`,
  }

  const written = (placeholder: string): string => `\${${placeholder}}`

  it('stand for folder, address, ports and secrets', () => {
    const text = [`${written('home')}/media`, ...['publicUrl', 'port.SMTP_PORT', 'secret.callback'].map(written)].join(
      ' ',
    )
    expect(fillPlaceholders(text, values)).toBe('/data/media http://crm <SMTP_PORT> *callback*')
  })

  it.each(['secrets.callback', 'port', 'HOME', ''])('"%s" is refused', (placeholder) => {
    expect(() => fillPlaceholders(written(placeholder), values)).toThrow(/there is no placeholder/)
  })
})
