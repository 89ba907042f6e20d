import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../../deploy/grafana/dashboards/', import.meta.url)

export type Target = { expr: string; legendFormat: string; refId: string; datasource: { type: string; uid: string } }
export type Panel = {
  id: number
  type: string
  title: string
  description?: string
  gridPos: { x: number; y: number; w: number; h: number }
  datasource?: { type: string; uid: string }
  fieldConfig?: { defaults: { unit?: string; thresholds: { steps: { color: string; value: number | null }[] } } }
  targets?: Target[]
}
export type Variable = { name: string; type: string; query: string | { query: string }; includeAll: boolean }
export type Dashboard = {
  file: string
  uid: string
  title: string
  description: string
  tags: string[]
  schemaVersion: number
  panels: Panel[]
  templating: { list: Variable[] }
  annotations: { list: { expr?: string }[] }
}

/** The dashboards as they are shipped. */
export const dashboards: readonly Dashboard[] = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((file) => ({ ...JSON.parse(readFileSync(new URL(file, folder), 'utf8')), file }) as Dashboard)

const values: Record<string, string> = { __rate_interval: '10m', __range: '10m', namespace: '.*', job: '.+' }

/** An expression as Grafana sends it, everything chosen. @throws Error for a variable that nobody knows */
export const filledIn = (expression: string): string =>
  expression.replaceAll(/\$\{?(\w+)\}?/g, (whole, name: string) => {
    // label_replace has variables of its own.
    if (/^\d+$/.test(name)) return whole
    const value = values[name]
    if (value === undefined) throw new Error(`unknown variable ${whole} in ${expression}`)
    return value
  })

const metric = /\b(?:clientele|rabbitmq|nodejs|process)_\w+|\b(?:up|ALERTS)\b/.source
const selector = new RegExp(`(?:${metric})(?:\\{[^}]*\\})?`, 'g')

/** The series that an expression is made of: none of them may be missing, or an `or vector(0)` would hide it. */
export const selectorsOf = (expression: string): string[] => [...new Set(expression.match(selector) ?? [])]
