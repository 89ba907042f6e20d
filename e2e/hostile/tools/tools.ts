import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pythonTools } from '@clientele/stack/tools/python'

const requirements = join(import.meta.dirname, 'requirements.txt')

/** How a tool ended: its code, undefined where it was cut off, and all that it wrote. */
type ToolRun = { code: number | undefined; output: string }

/** Installs the tools at the first use. */
export const prepareTools = (): Promise<string> => pythonTools(requirements, (text) => console.log(text))

/** Runs one of the tools to its end, or for `timeoutMs`. */
export const runTool = async (
  program: 'schemathesis' | 'sqlmap',
  args: string[],
  { timeoutMs, cwd, env = {} }: { timeoutMs: number; cwd: string; env?: Record<string, string> },
): Promise<ToolRun> => {
  const file = join(await prepareTools(), program)
  const options = {
    cwd,
    timeout: timeoutMs,
    killSignal: 'SIGKILL' as const,
    maxBuffer: 256 << 20,
    env: { PATH: process.env['PATH'], HOME: cwd, TERM: 'dumb', COLUMNS: '120', ...env },
  }
  return new Promise((resolve) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      const cutOff = error && typeof error.code !== 'number' ? `\n${error.message}, ended after ${timeoutMs} ms` : ''
      const code = error ? (typeof error.code === 'number' ? error.code : undefined) : 0
      resolve({ code, output: `${stdout}\n${stderr}${cutOff}` })
    })
  })
}
