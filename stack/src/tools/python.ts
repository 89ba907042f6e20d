import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { withFolderLock } from '../processes/folder-lock.ts'
import { cacheFolder } from '../processes/folders.ts'
import { canInstall, installPackages } from './packages.ts'

const run = promisify(execFile)

const minPythonVersion = '3.11'
const commands = ['python3', '/usr/bin/python3']
// Debian packages `ensurepip` separately, in python3-venv.
const probe = 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])'

type Python = { command: string; version: string }

const isNewEnough = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [minMajor = 0, minMinor = 0] = minPythonVersion.split('.').map(Number)
  return major === minMajor ? minor >= minMinor : major > minMajor
}

/** Finds a Python that is new enough and can create virtual environments. */
const usablePython = async (): Promise<Python | undefined> => {
  for (const command of commands) {
    const { stdout } = await run(command, ['-c', probe], { timeout: 30_000 }).catch(() => ({ stdout: '' }))
    const version = stdout.trim()
    if (version !== '' && isNewEnough(version)) return { command, version }
  }
  return undefined
}

const findPython = async (log: (text: string) => void): Promise<Python> => {
  const found = await usablePython()
  if (found) return found
  const needs = `Python ${minPythonVersion} or newer with the modules venv and ensurepip`
  if (!canInstall()) throw new Error(`the extended tests need ${needs}: install python3 and python3-venv`)
  await installPackages(['python3', 'python3-venv'], log)
  const installed = await usablePython()
  if (!installed) throw new Error(`the packages python3 and python3-venv contain no ${needs}: install one`)
  return installed
}

const fingerprint = (...parts: string[]): string =>
  createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12)

/**
 * Creates a virtual environment in the cache with exactly the packages in the file `requirements` (versions and hashes), unless
 * it exists. Concurrent calls wait for it. Packages come from pip's configured index, as wheels only.
 * @returns its `bin` folder
 */
export const pythonTools = async (
  requirements: string,
  log: (text: string) => void = () => undefined,
): Promise<string> => {
  const { command, version } = await findPython(log)
  const folder = join(cacheFolder(), `python-${version}-${fingerprint(readFileSync(requirements, 'utf8'))}`)
  const bin = join(folder, 'bin')
  const marker = join(folder, 'complete')
  // The environment's Python is a link. It may be broken after an upgrade of the system's Python.
  const isComplete = () => existsSync(marker) && existsSync(join(bin, 'python'))
  if (isComplete()) return bin
  mkdirSync(cacheFolder(), { recursive: true })
  return withFolderLock(`${folder}.lock`, async () => {
    if (isComplete()) return bin
    rmSync(folder, { recursive: true, force: true })
    log(`installing ${requirements} (only once)`)
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
    writeFileSync(marker, '')
    return bin
  })
}
