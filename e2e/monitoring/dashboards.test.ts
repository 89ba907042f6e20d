import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { testEnv } from '@clientele/platform/testing/database'
import { services } from '../services.ts'
import { dashboards, expandVariables, type Panel, seriesSelectors } from './dashboards.ts'
import { idLikeLabels } from './labels.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const prometheus = join(root, 'deploy', 'prometheus')
const runbooks = join(root, 'docs', 'runbooks')
const promtool = (...args: string[]) =>
  promisify(execFile)(join(dirname(testEnv('PROMETHEUS_PATH')), 'promtool'), args, { cwd: prometheus, timeout: 60_000 })
const read = (...path: string[]) => readFileSync(join(...path), 'utf8')
const isShown = ({ type }: Panel) => type !== 'row'
/** Labels with a bounded number of values. */
const bounded =
  /^(job|instance|namespace|method|route|status|class|type|queue|task|outcome|upstream|kind|state|limit|source|purpose|provider|operation|version|reason)$/

describe('Grafana dashboards', () => {
  it('there are four dashboards, each with its own file and uid', () => {
    expect(dashboards.map(({ file, uid }) => `${file} ${uid}`)).toEqual([
      'business.json clientele-business',
      'events.json clientele-events',
      'overview.json clientele-overview',
      'service.json clientele-service',
    ])
  })

  it.each(dashboards.map((dashboard) => [dashboard.file, dashboard] as const))(
    'dashboard %s has titles, units, descriptions, thresholds and queries',
    (_file, dashboard) => {
      expect(dashboard).toMatchObject({ tags: ['clientele'], schemaVersion: expect.any(Number) })
      const { panels, templating } = dashboard
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
      expect(templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' })
      for (const panel of panels.filter(isShown)) {
        const { title, description = '', fieldConfig, targets = [], gridPos } = panel
        expect([title, fieldConfig?.defaults.unit]).toEqual([title, expect.stringMatching(/./)])
        expect([title, description]).toEqual([title, expect.stringMatching(/.{10}/)])
        expect([title, fieldConfig?.defaults.thresholds.steps[0]?.value]).toEqual([title, null])
        expect([title, targets.length > 0, gridPos.x + gridPos.w <= 24]).toEqual([title, true, true])
        expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length)
        for (const { datasource } of [panel, ...targets])
          expect([title, datasource]).toEqual([title, { type: 'prometheus', uid: `\${datasource}` }])
      }
    },
  )

  it.each(dashboards.map((dashboard) => [dashboard.file, dashboard] as const))(
    'dashboard %s groups series by labels with a bounded number of values only',
    (_file, { panels }) => {
      for (const { title, targets = [] } of panels)
        for (const { expr, legendFormat } of targets) {
          const used = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g), ...expr.matchAll(/by \(([^)]*)\)/g)]
          const labels = used
            .flatMap(([, names = '']) => names.split(/,\s*/))
            .filter((name) => name !== 'le' && name !== '')
          const alerts = ['alertname', 'severity', 'alertstate']
          expect([title, labels.filter((name) => !bounded.test(name) && !alerts.includes(name))]).toEqual([title, []])
        }
    },
  )

  it('the panels of a dashboard do not overlap', () => {
    for (const { file, panels } of dashboards) {
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
      )
      expect([file, new Set(cells).size]).toEqual([file, cells.length])
    }
  })

  it('expandVariables rejects an unknown variable, and seriesSelectors finds every series of an expression', () => {
    expect(() => expandVariables('up{job="$nobody"}')).toThrow('unknown variable')
    expect(expandVariables('rate(up{namespace=~"$namespace"}[$__rate_interval])')).toBe(
      'rate(up{namespace=~".*"}[10m])',
    )
    expect(seriesSelectors('sum(clientele_a_total{x="1"}) / sum(up) or vector(0)')).toEqual([
      'clientele_a_total{x="1"}',
      'up',
    ])
  })
})

describe('Prometheus configuration and alerts', () => {
  it('the Prometheus configuration is valid and scrapes every service', async () => {
    expect((await promtool('check', 'config', 'prometheus.yml')).stdout).toMatch(/SUCCESS/)
    const config = read(prometheus, 'prometheus.yml')
    for (const service of services)
      expect(config).toContain(`{ targets: ['${service}:8100'], labels: { job: ${service} } }`)
  })

  it('the alert rules pass their promtool tests', async () => {
    expect((await promtool('test', 'rules', 'alerts.test.yml')).stdout).toMatch(/SUCCESS/)
  }, 60_000)

  it('each alert has promtool tests for firing and for staying quiet, and a runbook that names it', () => {
    const rules = read(prometheus, 'alerts.yml')
    const tests = read(prometheus, 'alerts.test.yml')
    const alerts = [...rules.matchAll(/alert: (\w+)[\s\S]*?runbook_url: \S+\/([\w-]+\.md)/g)]
    expect(alerts.length).toBe([...rules.matchAll(/alert: /g)].length)
    for (const [, alert = '', page = ''] of alerts) {
      for (const kind of ['fires', 'is quiet']) expect(tests).toContain(`name: ${alert} ${kind}\n`)
      expect([page, existsSync(join(runbooks, page))]).toEqual([page, true])
      const text = read(runbooks, page)
      expect(text).toContain(`Alert \`${alert}\`.`)
      for (const part of ['What it means', 'What users notice', 'What to do first', 'Causes and fixes', 'Prevention'])
        expect([page, text.includes(`## ${part}\n`)]).toEqual([page, true])
      expect(read(runbooks, 'README.md')).toContain(`[${alert}](${page})`)
    }
    expect(readdirSync(runbooks).sort()).toEqual([...alerts.map(([, , page]) => page), 'README.md'].sort())
  })
})

describe('Detection of label values that look like ids', () => {
  it.each([
    ['/v1/customers/0190a5c4-8d1e-7000-8000-3c2f1a9b0001'],
    ['/v1/customers/CUS-000123'],
    ['/v1/orders/17'],
    ['gateway.revocations.1b9d6bcd'],
    ['ana@example.com'],
    ['+254711000111'],
    ['254711000'],
  ])('the label value %s is reported', (value) => {
    expect(idLikeLabels(`clientele_x_total{route="${value}",status="200"} 1`)).toEqual([
      `clientele_x_total{route="${value}"}`,
    ])
  })

  it('path templates, event types, queue names and bucket bounds are not reported', () => {
    const text = `clientele_x_total{route="/v1/customers/{key}/photo",status="200"} 1
clientele_x_bucket{le="0.0025",queue="order-service.customers.retry.10m"} 1
clientele_x_total{type="order.placed.v1",upstream="customer-service"} 1
nodejs_version_info{version="v24.21.0",major="24"} 1`
    expect(idLikeLabels(text)).toEqual([])
  })
})
