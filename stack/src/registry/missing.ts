import type { Registry } from '@clientele/contracts/services'
import { type Needed, placesOf } from './places.ts'

/** What the check knows of the tree: a file's text, or undefined where there is no such file; and the folders at the root. */
export type Tree = { read: (file: string) => string | undefined; folders: string[] }

const holds = (text: string, needed: Needed): boolean =>
  typeof needed === 'string' ? text.includes(needed) : needed.pattern.test(text)
const described = (needed: Needed): string => (typeof needed === 'string' ? JSON.stringify(needed.trim()) : needed.what)

/** A line for each thing that a file lacks of the registry's services, and for each service that the registry lacks. */
export const missingIn = (registry: Registry, { read, folders }: Tree): string[] => {
  const names = registry.services.map(({ name }) => name)
  const unknown = folders.filter((folder) => folder.endsWith('-service') && !names.includes(folder))
  const lines = placesOf(registry).flatMap(({ file, needs }) => {
    const text = read(file)
    if (text === undefined) return [`${file} is not there`]
    return needs.filter((needed) => !holds(text, needed)).map((needed) => `${file} lacks ${described(needed)}`)
  })
  return [...unknown.map((folder) => `services.json lacks ${folder}`), ...new Set(lines)]
}
