/** Declares the part of negotiator 1.1.0 that the gateway uses. The published types lack `preferred`. */
declare module 'negotiator' {
  class Negotiator {
    constructor(request: { headers: Record<string, string | undefined> })
    /** The best of `available` by `Accept-Encoding`. Those of the same quality are chosen in the order of `preferred`. */
    encoding(available: string[], options: { preferred: string[] }): string | undefined
  }
  export = Negotiator
}
