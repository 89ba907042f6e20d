import { ClienteleError } from '@clientele/client'

/** Finds an element of index.html. @throws Error if it is not there */
export const find = <T extends Element>(selector: string, type: new () => T, root: ParentNode = document): T => {
  const found = root.querySelector(selector)
  if (!(found instanceof type)) throw new Error(`index.html has no ${selector}`)
  return found
}

/** Shows a message above the page; an empty one removes it. */
export const showMessage = (text: string): void => {
  find('#message', HTMLElement).textContent = text
}

/** What a user reads of an error. */
export const messageOf = (error: unknown): string => {
  const problem = error instanceof ClienteleError ? error.problem : undefined
  return problem?.detail ?? problem?.title ?? (error as Error).message
}
