import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from '@clientele/stack/processes/folders'
import { goCommand } from '@clientele/stack/tools/go'

const run = promisify(execFile)
const limits = { timeout: 1_200_000, maxBuffer: 64 << 20 }

/** Tools that are built from Go modules. `replace` has lines of the tool's go.mod, which `go install` would refuse. */
const tools = {
  helm: { path: 'helm.sh/helm/v3/cmd/helm', version: 'v3.19.5', replace: '' },
  kubeconform: { path: 'github.com/yannh/kubeconform/cmd/kubeconform', version: 'v0.8.0', replace: '' },
  'kube-score': { path: 'github.com/zegl/kube-score/cmd/kube-score', version: 'v1.20.0', replace: '' },
  'helm-unittest': {
    path: 'github.com/helm-unittest/helm-unittest/cmd/helm-unittest',
    version: 'v1.1.2',
    replace: 'replace github.com/vmware-labs/yaml-jsonpath => github.com/helm-unittest/yaml-jsonpath v0.4.0\n',
  },
}
export type ToolName = keyof typeof tools

const log = (text: string): void => console.log(`  ${text}`)

/** The path of a tool at its pinned version. It is built at its first use and kept in the cache folder. */
export const toolPath = async (name: ToolName): Promise<string> => {
  const { path, version, replace } = tools[name]
  const folder = join(cacheFolder(), 'chart-tools', `${name}-${version}`)
  const program = join(folder, name)
  if (existsSync(program)) return program
  const go = await goCommand(log)
  log(`building ${name} ${version} (once)`)
  const module = join(folder, 'module')
  rmSync(module, { recursive: true, force: true })
  mkdirSync(module, { recursive: true })
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod' }
  const { stdout } = await run(go, ['env', 'GOVERSION'], { cwd: module, env })
  const goVersion = /\d+\.\d+/.exec(stdout)?.[0] ?? '1.26'
  writeFileSync(join(module, 'go.mod'), `module clientele/chart-tools\n\ngo ${goVersion}\n\n${replace}`)
  await run(go, ['get', `${path}@${version}`], { cwd: module, env, ...limits })
  await run(go, ['build', '-o', program, path], { cwd: module, env, ...limits })
  rmSync(module, { recursive: true, force: true })
  return program
}

/** Downloads a Go module, and returns the folder of its files. */
export const moduleFolder = async (module: string): Promise<string> => {
  const go = await goCommand(log)
  const { stdout } = await run(go, ['mod', 'download', '-json', module], limits)
  return (JSON.parse(stdout) as { Dir: string }).Dir
}
