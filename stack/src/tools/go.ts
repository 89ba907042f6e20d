import { execFile } from 'node:child_process'
import { chmodSync, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isExecutable } from '../processes/unprivileged.ts'
import { canInstall, installPackages, isOnPath } from './packages.ts'

const run = promisify(execFile)

/** The Go that the tools built here need at least. */
const toolchain = '1.26.0'
/** From this minor version on, Go fetches a newer toolchain by itself. */
const fetchesItself = 21

/** A Go that can build our tools: the machine's, or the toolchain that an older one fetches as a module. */
export const goCommand = async (say: (text: string) => void): Promise<string> => {
  if (!isOnPath('go')) {
    if (!canInstall()) throw new Error('fake-gcs-server needs Go to be built: install golang, or set TEST_GCS_URL')
    await installPackages(['golang-go'], say)
  }
  const { stdout } = await run('go', ['version'], { timeout: 30_000 })
  const minor = Number(/go1\.(\d+)/.exec(stdout)?.[1] ?? 0)
  return minor >= fetchesItself ? 'go' : fetchedToolchain(say)
}

export const fetchedToolchain = async (say: (text: string) => void): Promise<string> => {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const module = `golang.org/toolchain@v0.0.1-go${toolchain}.${process.platform}-${architecture}`
  say(`fetching the Go ${toolchain} toolchain (once)`)
  const { stdout } = await run('go', ['mod', 'download', '-json', module], { timeout: 600_000, maxBuffer: 1 << 20 })
  const { Dir: folder } = JSON.parse(stdout) as { Dir: string }
  // Old versions unpack every file without the right to run it.
  const tools = ['bin', ...readdirSync(join(folder, 'pkg', 'tool')).map((name) => join('pkg', 'tool', name))]
  for (const tool of tools.filter((name) => existsSync(join(folder, name)))) {
    for (const file of readdirSync(join(folder, tool))) {
      if (!isExecutable(join(folder, tool, file))) chmodSync(join(folder, tool, file), 0o755)
    }
  }
  return join(folder, 'bin', 'go')
}
