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
 * `npm run lint:chart`: the chart and k8s/ by helm lint, helm-unittest, kubeconform, kube-score and, where it is installed,
 * kube-linter. The tools are built from Go modules at their first use.
 */
const chart = join(projectRoot, 'deploy', 'helm', 'clientele')
const valueFiles = [
  ...readdirSync(join(chart, 'ci')).map((file) => join(chart, 'ci', file)),
  join(chart, 'values-local.yaml'),
  join(chart, 'values-production.yaml'),
]
const overlays = ['local', 'production']
// A helm that is built from its module takes very old ones for granted.
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
const work = mkdtempSync(join(tmpdir(), 'clientele-chart-'))
const rendered: string[] = []
const keep = (name: string, text: string): void => {
  const file = join(work, `${name}.yaml`)
  writeFileSync(file, text)
  rendered.push(file)
}

type Resource = { apiVersion: string; kind: string }
const operators = /(^|\.)(cnpg\.io|rabbitmq\.com|keycloak\.org)\//

/** Kinds of operators whose definitions come in no Go module. Any other kind without a schema is a failure. */
const unknownKinds = async (folder: string, files: string[]): Promise<string[]> => {
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

// biome-ignore lint/suspicious/noConfusingVoidType: a step says something or not
const steps: Record<string, () => Promise<string | void>> = {}
for (const file of valueFiles) {
  const name = file.slice(chart.length + 1)
  steps[`helm lint --strict ${name}`] = async () => {
    await run(helm, ['lint', '--strict', chart, '-f', file])
  }
  steps[`helm template ${name}`] = async () =>
    keep(
      name.replace(/\W+/g, '-'),
      await run(helm, ['template', 'clientele', chart, '-n', 'clientele', ...kubeVersion, '-f', file]),
    )
}
for (const overlay of overlays)
  steps[`kubectl kustomize ${overlay}`] = async () =>
    keep(`overlay-${overlay}`, await run('kubectl', ['kustomize', join('k8s', 'overlays', overlay)]))
steps['the values that are missing are named at once'] = async () => {
  const message = await run(helm, ['template', 'clientele', chart, ...kubeVersion]).catch(
    (error: Error) => error.message,
  )
  for (const name of ['publicUrl', 'postgresql.host', 'rabbitmq.host', 'keycloak.url', 'media.bucket'])
    if (!message.includes(name)) throw new Error(`${name} is not named: ${message}`)
}
steps['helm unittest'] = async () => {
  const said = await run(await toolPath('helm-unittest'), [chart])
  return /Tests:.*/.exec(said)?.[0]
}
steps['kubeconform -strict'] = async () => {
  const folder = await schemaFolder()
  const skipped = await unknownKinds(folder, rendered)
  const skip = skipped.length > 0 ? ['-skip', skipped.join(',')] : []
  const location = ['-schema-location', schemaLocation(folder)]
  const said = await run(await toolPath('kubeconform'), ['-strict', '-summary', ...location, ...skip, ...rendered])
  const remark = skipped.length > 0 ? `; no schema for ${skipped.join(', ')}: give CHART_CRDS` : ''
  return `${said.trim().split('\n').at(-1)}${remark}`
}
steps['kube-score'] = async () => {
  const options = ['score', '--kubernetes-version', 'v1.33', '--output-format', 'ci']
  // Explained in deploy/helm/README.md
  const ignored = ['container-image-pull-policy', 'pod-networkpolicy', 'container-security-context-user-group-id']
  const args = [...options, ...ignored.flatMap((test) => ['--ignore-test', test]), '--ignore-container-cpu-limit']
  const program = await toolPath('kube-score')
  // One file after the other, because each is a release of its own.
  for (const file of rendered.filter((name) => !name.includes('overlay')))
    await run(program, [...args, file]).catch((error: Error) => {
      throw new Error(error.message.replace(/^\[(OK|SKIPPED|WARNING)\].*\n?/gm, ''))
    })
}
steps['kube-linter'] = async () => {
  if (!isOnPath('kube-linter')) return 'not on the PATH: left out'
  await run('kube-linter', ['lint', '--config', join('deploy', 'helm', 'kube-linter.yaml'), ...rendered])
}

let passed = 0
let failed = 0
for (const [name, step] of Object.entries(steps)) {
  try {
    const said = await step()
    passed += 1
    console.log(`ok     ${name}${said ? ` (${said})` : ''}`)
  } catch (error) {
    failed += 1
    console.log(`FAILED ${name}\n${error instanceof Error ? error.message : String(error)}`)
  }
}
if (existsSync(work)) rmSync(work, { recursive: true })
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
