import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { projectRoot } from './processes/folders.ts'
import { say } from './processes/progress.ts'
import { startTestParts, type TestParts } from './testing/test-parts.ts'

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopping.abort(new Error('interrupted')))
process.on('disconnect', () => stopping.abort(new Error('the starting process is gone')))

let parts: TestParts | undefined
try {
  parts = await startTestParts(say, stopping.signal, { durable: true })
  const child = spawn(process.execPath, [join(projectRoot, 'bench', 'run.ts'), ...process.argv.slice(2)], {
    cwd: projectRoot,
    // Kept from the terminal's Ctrl-C: it ends before the parts that it stands on.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...parts.env, TEST_RUN: randomBytes(4).toString('hex') },
  })
  stopping.signal.addEventListener('abort', () => child.pid && process.kill(-child.pid, 'SIGTERM'), { once: true })
  const [code] = await once(child, 'exit')
  process.exitCode = code ?? 1
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
} finally {
  await parts?.stop()
}
process.exit()
