import type { Registry } from '@clientele/contracts/services'
import { type RequiredText, requiredFiles } from './required-files.ts'

/** The source tree: `read` returns the text of a file, or undefined if it does not exist; `folders` are those in the root. */
export type SourceTree = { read: (file: string) => string | undefined; folders: string[] }

const contains = (text: string, required: RequiredText): boolean =>
  typeof required === 'string' ? text.includes(required) : required.pattern.test(text)
const describeText = (required: RequiredText): string =>
  typeof required === 'string' ? JSON.stringify(required.trim()) : required.description

/** Returns a line for each required text that a file does not contain, and for each service that is not in the registry. */
export const findMissingTexts = (registry: Registry, { read, folders }: SourceTree): string[] => {
  const names = registry.services.map(({ name }) => name)
  const unknown = folders.filter((folder) => folder.endsWith('-service') && !names.includes(folder))
  const lines = requiredFiles(registry).flatMap(({ file, texts }) => {
    const text = read(file)
    if (text === undefined) return [`${file} does not exist`]
    return texts
      .filter((required) => !contains(text, required))
      .map((required) => `${file} does not contain ${describeText(required)}`)
  })
  return [...unknown.map((folder) => `services.json does not contain ${folder}`), ...new Set(lines)]
}
