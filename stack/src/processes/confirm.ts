import { createInterface } from 'node:readline/promises'

/** Asks a question at the terminal. @returns whether the answer is yes; false without a terminal */
export const confirm = async (question: string): Promise<boolean> => {
  if (!process.stdin.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await terminal.question(`${question} [y/N] `)
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}
