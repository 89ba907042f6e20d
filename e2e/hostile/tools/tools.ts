import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pythonTools } from '@clientele/stack/tools/python'

const requirements = join(import.meta.dirname, 'requirements.txt')

/** The exit code of a tool (undefined after a timeout), and its output. */
type ToolRun = { code: number | undefined; output: string }

/** Installs the tools at their first use. @returns their folder */
export const installTools = (): Promise<string> => pythonTools(requirements, (text) => console.log(text))

/** Runs a tool, for at most `timeoutMs`. */
export const runTool = async (
  program: 'schemathesis' | 'sqlmap',
  args: string[],
  { timeoutMs, cwd, env = {} }: { timeoutMs: number; cwd: string; env?: Record<string, string> },
): Promise<ToolRun> => {
  const file = join(await installTools(), program)
  const options = {
    cwd,
    timeout: timeoutMs,
    killSignal: 'SIGKILL' as const,
    maxBuffer: 256 << 20,
    env: { PATH: process.env['PATH'], HOME: cwd, TERM: 'dumb', COLUMNS: '120', ...env },
  }
  return new Promise((resolve) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      const timeoutNote =
        error && typeof error.code !== 'number' ? `\n${error.message}, ended after ${timeoutMs} ms` : ''
      const code = error ? (typeof error.code === 'number' ? error.code : undefined) : 0
      resolve({ code, output: `${stdout}\n${stderr}${timeoutNote}` })
    })
  })
}
