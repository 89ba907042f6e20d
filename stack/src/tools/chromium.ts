import { findProgram } from './find-program.ts'

const paths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** Finds a Chromium for the browser tests. */
export const findChromium = (log: (text: string) => void): Promise<string> =>
  findProgram(
    { variable: 'CHROMIUM_PATH', packageName: 'chromium', paths, need: 'the browser tests need Chromium' },
    log,
  )
