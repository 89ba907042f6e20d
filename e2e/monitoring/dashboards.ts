import { readdirSync, readFileSync } from 'node:fs'

const dashboardsFolder = new URL('../../deploy/grafana/dashboards/', import.meta.url)

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

/** All Grafana dashboards of the repository. */
export const dashboards: readonly Dashboard[] = readdirSync(dashboardsFolder)
  .filter((name) => name.endsWith('.json'))
  .map((file) => ({ ...JSON.parse(readFileSync(new URL(file, dashboardsFolder), 'utf8')), file }) as Dashboard)

const variableValues: Record<string, string> = { __rate_interval: '10m', __range: '10m', namespace: '.*', job: '.+' }

/** Replaces Grafana's variables in an expression, each by a value that selects everything. @throws Error if one is unknown */
export const expandVariables = (expression: string): string =>
  expression.replaceAll(/\$\{?(\w+)\}?/g, (whole, name: string) => {
    // $1 and the like belong to label_replace.
    if (/^\d+$/.test(name)) return whole
    const value = variableValues[name]
    if (value === undefined) throw new Error(`unknown variable ${whole} in ${expression}`)
    return value
  })

const metric = /\b(?:clientele|rabbitmq|nodejs|process)_\w+|\b(?:up|ALERTS)\b/.source
const selector = new RegExp(`(?:${metric})(?:\\{[^}]*\\})?`, 'g')

/** The series selectors of an expression. Each must match a series: `or vector(0)` would hide a missing one. */
export const seriesSelectors = (expression: string): string[] => [...new Set(expression.match(selector) ?? [])]
