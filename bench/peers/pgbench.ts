import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

type Options = {
  url: string
  /** The pgbench script that each client repeats. */
  script: string
  /** The values of `:name` in the script. */
  variables: Record<string, string | number>
  clients: number
  seconds: number
}

const run = promisify(execFile)

/** Runs a script with pgbench. @returns transactions per second. @throws Error if a transaction fails */
export const runPgbench = async ({ url, script, variables, clients, seconds }: Options): Promise<number> => {
  const { hostname, port, username, password, pathname } = new URL(url)
  const folder = await mkdtemp(join(tmpdir(), 'clientele-pgbench-'))
  try {
    const file = join(folder, 'script.sql')
    await writeFile(file, script)
    const values = Object.entries(variables).flatMap(([name, value]) => ['-D', `${name}=${value}`])
    const { stdout } = await run(
      'pgbench',
      [...['-n', '-M', 'prepared', '-c', `${clients}`, '-j', '2', '-T', `${seconds}`, '-f', file], ...values],
      {
        env: {
          PATH: process.env['PATH'],
          PGHOST: hostname,
          PGPORT: port,
          PGUSER: decodeURIComponent(username),
          PGPASSWORD: decodeURIComponent(password),
          PGDATABASE: pathname.slice(1),
        },
        timeout: (seconds + 60) * 1_000,
      },
    )
    const [, perSecond] = /^tps = ([\d.]+)/m.exec(stdout) ?? []
    const [, failed] = /^number of failed transactions: (\d+)/m.exec(stdout) ?? []
    if (perSecond === undefined || failed !== '0') throw new Error(`pgbench: ${stdout}`)
    return Number(perSecond)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
