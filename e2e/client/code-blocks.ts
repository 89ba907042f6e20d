import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '@clientele/stack/processes/folders'

/** The code blocks of a document in this language, in order. */
export const codeBlocks = (document: string, language: string): string[] => {
  const text = readFileSync(join(projectRoot, document), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, code = '']) => code)
}
