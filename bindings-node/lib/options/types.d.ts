import type { Decision, RequestHeaders, Verdict } from '../../index'

/** A `Policy`, or a `SharedPolicy` that is replaced while serving. */
export interface RequestPolicy {
  evaluate(method: string | Uint8Array, headers: RequestHeaders, verdict?: Verdict): Decision
  asksHost(method: string | Uint8Array, headers: RequestHeaders): string | null
}

/** An origin, a RegExp that matches the whole of one, or a list of them. */
export type StaticOrigin = string | RegExp | readonly StaticOrigin[]
