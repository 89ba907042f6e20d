import { readFileSync } from 'node:fs'
import { type Client, client } from '@clientele/platform/testing/client'
import { testEnv } from '@clientele/platform/testing/database'
import { tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import pg from 'pg'
import { type FakeProvider, startAfricastalking } from '../../notification-service/test/africastalking.ts'
import { startCollector } from '../monitoring/collector.ts'
import { dashboards, filledIn, selectorsOf } from '../monitoring/dashboards.ts'
import { idLikeLabels, seriesCounts } from '../monitoring/labels.ts'
import { type Monitor, startMonitor } from '../monitoring/prometheus.ts'
import { everything } from '../monitoring/traffic.ts'
import { recordOf, services } from '../services.ts'
import { type System, startSystem } from '../system.ts'

const documented = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8')

type Collector = Awaited<ReturnType<typeof startCollector>>

let collector: Collector
let sms: FakeProvider
let system: System
let monitor: Monitor
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
  const texts = {
    SMS_PROVIDER: 'africastalking',
    AFRICASTALKING_USERNAME: 'duka',
    AFRICASTALKING_API_KEY: 'key',
    AFRICASTALKING_URL: sms.url,
  }
  system = await startSystem({ ...recordOf(services, common), 'notification-service': { ...common, ...texts } })
  monitor = await startMonitor(targets())
  admin = client(system.gateway, (await tokenFor('admin')).token)
  user = client(system.gateway, (await tokenFor('user')).token)
}, 180_000)
afterAll(async () => {
  await monitor?.stop()
  await system?.close()
  await sms?.stop()
  collector?.stop()
}, 60_000)

/** An address of each service that reads one of its tables. */
const readings: Record<string, [table: string, path: string]> = {
  'user-service': ['users', '/v1/users'],
  'customer-service': ['customers', '/v1/customers'],
  'media-service': ['media', '/v1/media/0190a5c4-0000-7000-8000-000000000000'],
  'order-service': ['orders', '/v1/orders'],
  'notification-service': ['notifications', '/v1/notifications'],
}

describe('faults of ours, in Sentry (S4-22)', () => {
  it.each(Object.entries(readings))('%s reports a table that is gone', async (service, [table, path]) => {
    const database = new pg.Client(system.database(service))
    await database.connect()
    await database.query(`alter table ${table} rename to ${table}_gone`)
    const { status } = await admin.get(path)
    await database.query(`alter table ${table}_gone rename to ${table}`)
    await database.end()
    expect(status).toBe(500)
    await eventually(() =>
      expect(collector.faults.find(({ server_name }) => server_name === service)?.exception.values).not.toHaveLength(0),
    )
  })
})

describe('traces, by OTLP (S4-23)', () => {
  it('follow a request from the gateway over its service and the outbox to the consumer of its event', async () => {
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

describe('dashboards and alerts on a real Prometheus (S2-33)', () => {
  // Counted from nothing, a rate is nothing: everything happens once, is looked at, and happens again.
  beforeAll(async () => {
    await everything({ system, admin, user, sms })
    await eventually(
      async () => {
        const [handled] = await monitor.query('sum(clientele_keycloak_events_lag_seconds_count{source="admin"})')
        expect(handled?.value).toBeGreaterThan(0)
        expect(await monitor.query('clientele_queue_messages{queue=~".+[.]dead"} > 0')).not.toHaveLength(0)
        // The first sweep reads every person of the realm, who come from all other tests.
        expect(
          await monitor.query('clientele_task_last_success_timestamp_seconds{task="reconciliation"}'),
        ).toHaveLength(1)
      },
      { timeoutMs: 120_000, everyMs: 500 },
    )
    await everything({ system, admin, user, sms })
  }, 240_000)

  const shows = (expression: string) =>
    eventually(
      async () => {
        for (const selector of selectorsOf(expression))
          expect([selector, await monitor.query(selector)]).not.toEqual([selector, []])
        const samples = await monitor.query(expression)
        expect([expression, samples.filter(({ value }) => !Number.isNaN(value))]).not.toEqual([expression, []])
      },
      { timeoutMs: 20_000, everyMs: 500 },
    )

  const panels = dashboards.flatMap(({ file, panels, annotations }) => [
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ refId, expr }) => [`${file} ${title} ${refId}`, expr] as const),
    ),
    // It shows starts of the last minute: those of processes at all will do.
    ...annotations.list.flatMap(({ expr }) =>
      expr === undefined ? [] : [[`${file} annotation`, expr.replace(' < 60', '')] as const],
    ),
  ])
  it.each(panels)('%s shows something', async (_name, expression) => shows(filledIn(expression)))

  it('every alert can be computed, and what it compares is there', async () => {
    const rules = await monitor.rules()
    expect(rules.length).toBeGreaterThan(20)
    for (const { name, query, health, lastError = '' } of rules) {
      expect([name, health, lastError]).toEqual([name, 'ok', ''])
      // With `bool` a comparison gives 0 or 1 where it would give nothing.
      if (!query.startsWith('absent(')) await shows(query.replaceAll(/ (>|<|==) (?=[\d.])/g, ' $1 bool '))
    }
  })

  it('no label holds an id, a person or an address, and no metric has very many series', async () => {
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
