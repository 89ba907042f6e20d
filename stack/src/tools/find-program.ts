import { isExecutable } from '../processes/unprivileged.ts'
import { canInstall, installPackages } from './packages.ts'

type Program = {
  /** The variable that names the program. */
  variable: string
  /** The distribution's package, and the paths where it and others install the program. */
  packageName: string
  paths: string[]
  /** For the error if there is none, such as `the browser tests need Chromium`. */
  need: string
}

/** Finds a program: that of its variable, an installed one, or that of the distribution's package. */
export const findProgram = async (
  { variable, packageName, paths, need }: Program,
  log: (text: string) => void,
): Promise<string> => {
  const found = process.env[variable] || paths.find(isExecutable)
  if (found) return found
  if (!canInstall()) throw new Error(`${need}: install the package ${packageName}, or set ${variable}`)
  await installPackages([packageName], log)
  const installed = paths.find(isExecutable)
  if (!installed) throw new Error(`the package ${packageName} contains no program that can be used: set ${variable}`)
  return installed
}
