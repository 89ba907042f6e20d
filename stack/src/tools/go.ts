import { execFile } from 'node:child_process'
import { chmodSync, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isExecutable } from '../processes/unprivileged.ts'
import { canInstall, installPackages, isOnPath } from './packages.ts'

const run = promisify(execFile)

/** The Go version that builds our tools. */
const toolchainVersion = '1.26.0'
/** From this minor version on, Go downloads a newer toolchain by itself. */
const firstVersionWithToolchains = 21

/** Finds a Go that can build our tools: the installed one, or a toolchain that an older Go downloads as a module. */
export const goCommand = async (log: (text: string) => void): Promise<string> => {
  if (!isOnPath('go')) {
    if (!canInstall())
      throw new Error(
        'the tests of the bucket need Go to build fake-gcs-server: install the package golang, or set TEST_GCS_URL to a running one',
      )
    await installPackages(['golang-go'], log)
  }
  const { stdout } = await run('go', ['version'], { timeout: 30_000 })
  const minor = Number(/go1\.(\d+)/.exec(stdout)?.[1] ?? 0)
  return minor >= firstVersionWithToolchains ? 'go' : fetchToolchain(log)
}

export const fetchToolchain = async (log: (text: string) => void): Promise<string> => {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const module = `golang.org/toolchain@v0.0.1-go${toolchainVersion}.${process.platform}-${architecture}`
  log(`downloading the Go ${toolchainVersion} toolchain (only once)`)
  const { stdout } = await run('go', ['mod', 'download', '-json', module], { timeout: 600_000, maxBuffer: 1 << 20 })
  const { Dir: folder } = JSON.parse(stdout) as { Dir: string }
  // Old versions of Go unpack programs without the permission to execute them.
  const tools = ['bin', ...readdirSync(join(folder, 'pkg', 'tool')).map((name) => join('pkg', 'tool', name))]
  for (const tool of tools.filter((name) => existsSync(join(folder, name)))) {
    for (const file of readdirSync(join(folder, tool))) {
      if (!isExecutable(join(folder, tool, file))) chmodSync(join(folder, tool, file), 0o755)
    }
  }
  return join(folder, 'bin', 'go')
}
