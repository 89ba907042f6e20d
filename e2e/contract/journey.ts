import { randomUUID } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { client } from '@clientele/platform/testing/client'
import { createSignedInUser } from '@clientele/platform/testing/tokens'
import { createPng } from '../png-image.ts'
import { type System, startSystem } from '../system.ts'

/** The folder of what generated clients run. */
export const journeys = join(import.meta.dirname, 'journeys')

/** The running system, and a folder with its documents. */
export const startContract = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'clientele-contract-'))
  const system: System = await startSystem()
  for (const name of ['openapi.json', 'asyncapi.json']) {
    const { body } = await client(system.gateway).get(`/${name}`)
    writeFileSync(join(folder, name), JSON.stringify(body))
  }
  return {
    folder,
    openapi: join(folder, 'openapi.json'),
    /** Makes a folder for a client, with these files of {@link journeys} under other names. */
    prepare: (name: string, files: Record<string, string>): string => {
      const cwd = join(folder, name)
      mkdirSync(cwd)
      for (const [file, target] of Object.entries(files)) cpSync(join(journeys, file), join(cwd, target))
      writeFileSync(join(cwd, 'photo.png'), createPng(64, 48))
      return cwd
    },
    /** The arguments of a journey: the gateway, a new user, and a name for what it creates. */
    argumentsOf: async (name: string): Promise<string[]> => {
      const { username, password } = await createSignedInUser(['user'])
      return [system.gateway, username, password, `${name}-${randomUUID().slice(0, 8)}`]
    },
    stop: async (): Promise<void> => {
      await system.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
export type Contract = Awaited<ReturnType<typeof startContract>>
