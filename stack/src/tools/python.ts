import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { withFolderLock } from '../processes/folder-lock.ts'
import { cacheFolder } from '../processes/folders.ts'
import { canInstall, installPackages } from './packages.ts'

const run = promisify(execFile)

const leastPython = '3.11'
const commands = ['python3', '/usr/bin/python3']
// Debian has the second module in a package of its own.
const probe = 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])'

type Python = { command: string; version: string }

const isNewEnough = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = leastPython.split('.').map(Number)
  return major === leastMajor ? minor >= leastMinor : major > leastMajor
}

/** A Python that is new enough and can make virtual environments. */
const usablePython = async (): Promise<Python | undefined> => {
  for (const command of commands) {
    const { stdout } = await run(command, ['-c', probe], { timeout: 30_000 }).catch(() => ({ stdout: '' }))
    const version = stdout.trim()
    if (version !== '' && isNewEnough(version)) return { command, version }
  }
  return undefined
}

const findPython = async (say: (text: string) => void): Promise<Python> => {
  const found = await usablePython()
  if (found) return found
  const needs = `Python ${leastPython} or newer with its modules venv and ensurepip`
  if (!canInstall()) throw new Error(`the hostile tests need ${needs}: install python3 and python3-venv`)
  await installPackages(['python3', 'python3-venv'], say)
  const installed = await usablePython()
  if (!installed) throw new Error(`the packages python3 and python3-venv brought no ${needs}: install one`)
  return installed
}

const fingerprint = (...parts: string[]): string =>
  createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12)

/**
 * The `bin` folder of a virtual environment with exactly the packages of `requirements` (versions and hashes), made once in
 * the cache. Two at the same time wait for each other. They come from pip's configured index, as wheels only.
 */
export const pythonTools = async (
  requirements: string,
  say: (text: string) => void = () => undefined,
): Promise<string> => {
  const { command, version } = await findPython(say)
  const folder = join(cacheFolder(), `python-${version}-${fingerprint(readFileSync(requirements, 'utf8'))}`)
  const bin = join(folder, 'bin')
  const mark = join(folder, 'complete')
  // The environment's Python is a link, which an upgrade of the machine's can leave behind broken.
  const isComplete = () => existsSync(mark) && existsSync(join(bin, 'python'))
  if (isComplete()) return bin
  mkdirSync(cacheFolder(), { recursive: true })
  return withFolderLock(`${folder}.lock`, async () => {
    if (isComplete()) return bin
    rmSync(folder, { recursive: true, force: true })
    say(`installing ${requirements} (once)`)
    await run(command, ['-m', 'venv', folder], { timeout: 120_000 })
    const options = [
      '--require-hashes',
      '--no-deps',
      '--only-binary=:all:',
      '--no-input',
      '--disable-pip-version-check',
    ]
    await run(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', ...options, '-r', requirements], {
      timeout: 480_000,
      maxBuffer: 16 << 20,
    }).catch((error: Error & { stderr?: string }) => {
      throw new Error(`pip install -r ${requirements} failed: ${(error.stderr || error.message).trim()}`)
    })
    writeFileSync(mark, '')
    return bin
  })
}
