import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { projectRoot } from '@clientele/stack/processes/folders'
import { isOnPath } from '@clientele/stack/tools/packages'
import { parseAllDocuments } from 'yaml'
import { hasSchema, schemaFolder, schemaLocation } from './schemas.ts'
import { toolPath } from './tools.ts'

/**
 * `npm run lint:chart`: checks the chart and k8s/ with helm lint, helm-unittest, kubeconform, kube-score and, if it is
 * installed, kube-linter. The tools are built from Go modules at their first use.
 */
const chart = join(projectRoot, 'deploy', 'helm', 'clientele')
const valueFiles = [
  ...readdirSync(join(chart, 'ci')).map((file) => join(chart, 'ci', file)),
  join(chart, 'values-local.yaml'),
  join(chart, 'values-production.yaml'),
]
const overlays = ['local', 'production']
// Without it, a helm that is built from its Go module assumes a very old version.
const kubeVersion = ['--kube-version', '1.33.0']

const run = async (program: string, args: string[]): Promise<string> => {
  try {
    const options = { cwd: projectRoot, timeout: 300_000, maxBuffer: 64 << 20 }
    return (await promisify(execFile)(program, args, options)).stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${stdout}${stderr}`.trim() || String(error))
  }
}

const helm = await toolPath('helm')
const folder = mkdtempSync(join(tmpdir(), 'clientele-chart-'))
const manifestFiles: string[] = []
const saveManifests = (name: string, text: string): void => {
  const file = join(folder, `${name}.yaml`)
  writeFileSync(file, text)
  manifestFiles.push(file)
}

type Resource = { apiVersion: string; kind: string }
const operators = /(^|\.)(cnpg\.io|rabbitmq\.com|keycloak\.org)\//

/** Operators' kinds without a schema, because no Go module contains their CRDs. Other kinds without a schema fail. */
const kindsWithoutSchema = async (folder: string, files: string[]): Promise<string[]> => {
  const { readFile } = await import('node:fs/promises')
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')))
  const resources = texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS() as Resource | null),
  )
  const missing = resources.filter(
    (resource): resource is Resource =>
      resource !== null &&
      operators.test(resource.apiVersion) &&
      !hasSchema(folder, resource.apiVersion, resource.kind),
  )
  return [...new Set(missing.map(({ apiVersion, kind }) => `${apiVersion}/${kind}`))]
}

// biome-ignore lint/suspicious/noConfusingVoidType: a step may return a note
const steps: Record<string, () => Promise<string | void>> = {}
for (const file of valueFiles) {
  const name = file.slice(chart.length + 1)
  steps[`helm lint --strict ${name}`] = async () => {
    await run(helm, ['lint', '--strict', chart, '-f', file])
  }
  steps[`helm template ${name}`] = async () =>
    saveManifests(
      name.replace(/\W+/g, '-'),
      await run(helm, ['template', 'clientele', chart, '-n', 'clientele', ...kubeVersion, '-f', file]),
    )
}
for (const overlay of overlays)
  steps[`kubectl kustomize ${overlay}`] = async () =>
    saveManifests(`overlay-${overlay}`, await run('kubectl', ['kustomize', join('k8s', 'overlays', overlay)]))
steps['one error names all missing values'] = async () => {
  const message = await run(helm, ['template', 'clientele', chart, ...kubeVersion]).catch(
    (error: Error) => error.message,
  )
  for (const name of ['publicUrl', 'postgresql.host', 'rabbitmq.host', 'keycloak.url', 'media.bucket'])
    if (!message.includes(name)) throw new Error(`${name} is not named in: ${message}`)
}
steps['helm unittest'] = async () => {
  const output = await run(await toolPath('helm-unittest'), [chart])
  return /Tests:.*/.exec(output)?.[0]
}
steps['kubeconform -strict'] = async () => {
  const folder = await schemaFolder()
  const skipped = await kindsWithoutSchema(folder, manifestFiles)
  const skip = skipped.length > 0 ? ['-skip', skipped.join(',')] : []
  const location = ['-schema-location', schemaLocation(folder)]
  const output = await run(await toolPath('kubeconform'), [
    '-strict',
    '-summary',
    ...location,
    ...skip,
    ...manifestFiles,
  ])
  const note = skipped.length > 0 ? `; skipped ${skipped.join(', ')}: set CHART_CRDS to check them` : ''
  return `${output.trim().split('\n').at(-1)}${note}`
}
steps['kube-score'] = async () => {
  const options = ['score', '--kubernetes-version', 'v1.33', '--output-format', 'ci']
  // The reasons are in deploy/helm/README.md.
  const ignored = ['container-image-pull-policy', 'pod-networkpolicy', 'container-security-context-user-group-id']
  const args = [...options, ...ignored.flatMap((test) => ['--ignore-test', test]), '--ignore-container-cpu-limit']
  const program = await toolPath('kube-score')
  // File by file, because each one is a release of its own.
  for (const file of manifestFiles.filter((name) => !name.includes('overlay')))
    await run(program, [...args, file]).catch((error: Error) => {
      throw new Error(error.message.replace(/^\[(OK|SKIPPED|WARNING)\].*\n?/gm, ''))
    })
}
steps['kube-linter'] = async () => {
  if (!isOnPath('kube-linter')) return 'skipped: not on the PATH'
  await run('kube-linter', ['lint', '--config', join('deploy', 'helm', 'kube-linter.yaml'), ...manifestFiles])
}

let passed = 0
let failed = 0
for (const [name, step] of Object.entries(steps)) {
  try {
    const note = await step()
    passed += 1
    console.log(`ok     ${name}${note ? ` (${note})` : ''}`)
  } catch (error) {
    failed += 1
    console.log(`FAILED ${name}\n${error instanceof Error ? error.message : String(error)}`)
  }
}
if (existsSync(folder)) rmSync(folder, { recursive: true })
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
