import { readFileSync } from 'node:fs'
import { type Client, client } from '@clientele/platform/testing/client'
import { testEnv } from '@clientele/platform/testing/database'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import pg from 'pg'
import { type FakeProvider, startAfricastalking } from '../../notification-service/test/africastalking.ts'
import { recordOf, services } from '../services.ts'
import { type System, startSystem } from '../system.ts'
import { startCollector } from './collector.ts'
import { dashboards, expandVariables, seriesSelectors } from './dashboards.ts'
import { generateTraffic } from './generate-traffic.ts'
import { idLikeLabels, seriesCounts } from './labels.ts'
import { type Prometheus, startPrometheus } from './prometheus.ts'

const documented = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8')

type Collector = Awaited<ReturnType<typeof startCollector>>

let collector: Collector
let sms: FakeProvider
let system: System
let prometheus: Prometheus
let admin: Client
let user: Client

const targets = (): Record<string, string> => {
  const broker = new URL(testEnv('TEST_RABBITMQ_METRICS_URL')).host
  const own = services.map((name) => [`${name}:8100`, new URL(system.url(`${name}:internal`)).host])
  return { ...Object.fromEntries(own), 'rabbitmq:15692': broker, 'keycloak:9000': '127.0.0.1:1' }
}

beforeAll(async () => {
  ;[collector, sms] = await Promise.all([startCollector(), startAfricastalking()])
  const common = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlp,
    OTEL_BSP_SCHEDULE_DELAY: '200',
    SENTRY_DSN: collector.dsn,
    SMTP_CONFIGURED: 'true',
    LOG_LEVEL: 'fatal',
  }
  const smsSettings = {
    SMS_PROVIDER: 'africastalking',
    AFRICASTALKING_USERNAME: 'duka',
    AFRICASTALKING_API_KEY: 'key',
    AFRICASTALKING_URL: sms.url,
  }
  system = await startSystem({ ...recordOf(services, common), 'notification-service': { ...common, ...smsSettings } })
  prometheus = await startPrometheus(targets())
  admin = client(system.gateway, (await signedInAs('admin')).token)
  user = client(system.gateway, (await signedInAs('user')).token)
}, 180_000)
afterAll(async () => {
  await prometheus?.stop()
  await system?.close()
  await sms?.stop()
  collector?.stop()
}, 60_000)

/** For each service, a route that reads one of its tables. */
const readRoutes: Record<string, [table: string, path: string]> = {
  'user-service': ['users', '/v1/users'],
  'customer-service': ['customers', '/v1/customers'],
  'media-service': ['media', '/v1/media/0190a5c4-0000-7000-8000-000000000000'],
  'order-service': ['orders', '/v1/orders'],
  'notification-service': ['notifications', '/v1/notifications'],
  'activity-service': ['events', '/v1/events'],
}

describe('Error reports to Sentry', () => {
  it.each(Object.entries(readRoutes))('%s reports a missing table to Sentry', async (service, [table, path]) => {
    const database = new pg.Client(system.ownerDatabase(service))
    await database.connect()
    await database.query(`alter table ${table} rename to ${table}_gone`)
    const { status } = await admin.get(path)
    await database.query(`alter table ${table}_gone rename to ${table}`)
    await database.end()
    expect(status).toBe(500)
    await eventually(() =>
      expect(
        collector.sentryEvents.find(({ server_name }) => server_name === service)?.exception.values,
      ).not.toHaveLength(0),
    )
  })
})

describe('Traces by OTLP', () => {
  it('one trace covers a request in the gateway, in its service and in the consumers of its event', async () => {
    const email = `traced-${Math.random().toString(36).slice(2)}@example.com`
    expect((await user.post('/v1/customers', { name: 'Tracy', surname: 'Trace', email })).status).toBe(201)
    await eventually(() => {
      const named = (service: string, name: string) =>
        collector.spans.filter((span) => span.service === service && span.name === name)
      const root = named('gateway', 'POST /v1/customers').at(-1)
      expect(root).toMatchObject({ kind: 2, attributes: { 'http.route': '/v1/customers' } })
      expect(root?.parentSpanId).toBeUndefined()
      const inService = named('customer-service', 'POST /v1/customers').at(-1)
      expect(inService).toMatchObject({ kind: 2, traceId: root?.traceId, parentSpanId: root?.spanId })
      for (const service of ['order-service', 'notification-service']) {
        const handled = named(service, `${service}.customers customer.created.v1`).at(-1)
        expect(handled).toMatchObject({ kind: 5, traceId: root?.traceId, parentSpanId: inService?.spanId })
      }
    })
  })
})

describe('Dashboards and alerts on a running Prometheus', () => {
  // A counter that appears with its first value has no rate yet. So all traffic is generated, scraped and generated again.
  beforeAll(async () => {
    await generateTraffic({ system, admin, user, sms })
    await eventually(
      async () => {
        const [handled] = await prometheus.query('sum(clientele_keycloak_events_lag_seconds_count{source="admin"})')
        expect(handled?.value).toBeGreaterThan(0)
        expect(await prometheus.query('clientele_queue_messages{queue=~".+[.]dead"} > 0')).not.toHaveLength(0)
        // The first reconciliation reads every user of the realm, including those of all other tests.
        expect(
          await prometheus.query('clientele_task_last_success_timestamp_seconds{task="reconciliation"}'),
        ).toHaveLength(1)
      },
      { timeoutMs: 120_000, everyMs: 500 },
    )
    await generateTraffic({ system, admin, user, sms })
  }, 240_000)

  const hasData = (expression: string) =>
    eventually(
      async () => {
        for (const selector of seriesSelectors(expression))
          expect([selector, await prometheus.query(selector)]).not.toEqual([selector, []])
        const samples = await prometheus.query(expression)
        expect([expression, samples.filter(({ value }) => !Number.isNaN(value))]).not.toEqual([expression, []])
      },
      { timeoutMs: 20_000, everyMs: 500 },
    )

  const panels = dashboards.flatMap(({ file, panels, annotations }) => [
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ refId, expr }) => [`${file} ${title} ${refId}`, expr] as const),
    ),
    // The annotation shows process starts of the last minute; the test accepts any.
    ...annotations.list.flatMap(({ expr }) =>
      expr === undefined ? [] : [[`${file} annotation`, expr.replace(' < 60', '')] as const],
    ),
  ])
  it.each(panels)('the query of %s returns data', async (_name, expression) => hasData(expandVariables(expression)))

  it('every alert rule evaluates without error and its series exist', async () => {
    const rules = await prometheus.rules()
    expect(rules.length).toBeGreaterThan(20)
    for (const { name, query, health, lastError = '' } of rules) {
      expect([name, health, lastError]).toEqual([name, 'ok', ''])
      // With `bool` a comparison that is false returns 0 instead of no sample.
      if (!query.startsWith('absent(')) await hasData(query.replaceAll(/ (>|<|==) (?=[\d.])/g, ' $1 bool '))
    }
  })

  it('no label value looks like an id or personal data, and every metric is documented and has fewer than 3,000 series', async () => {
    for (const service of services) {
      const text = await (await fetch(`${system.url(`${service}:internal`)}/metrics`)).text()
      expect([service, idLikeLabels(text)]).toEqual([service, []])
      for (const [, name = ''] of text.matchAll(/^# TYPE (clientele_\w+)/gm))
        expect(documented).toContain(`\`${name}\``)
      for (const [name, count] of seriesCounts(text))
        expect([service, name, count < 3_000]).toEqual([service, name, true])
    }
  })
})
