import express = require('./adapters/express.js')
import types = require('./lib/engine/types.js')

/** Middleware with the options of the package `cors`. Everything else stands beside it. */
declare function crossgate<T extends express.CorsRequest = express.CorsRequest>(
  options?: express.CorsOptions | express.CorsPolicyOptions | express.CorsOptionsDelegate<T>
): express.CorsMiddleware<T>
declare namespace crossgate {
  export import Counters = types.Counters
  export import Policy = types.Policy
  export import PolicyError = types.PolicyError
  export import SharedPolicy = types.SharedPolicy
  export import publicSuffixListDate = types.publicSuffixListDate
  export import cors = express.cors
  export import Action = types.Action
  export import CorsMiddleware = express.CorsMiddleware
  export import CorsOptions = express.CorsOptions
  export import CorsOptionsDelegate = express.CorsOptionsDelegate
  export import CorsPolicyOptions = express.CorsPolicyOptions
  export import CorsRequest = express.CorsRequest
  export import CustomOrigin = express.CustomOrigin
  export import Decision = types.Decision
  export import HeaderValue = types.HeaderValue
  export import NodeRequest = types.NodeRequest
  export import NodeResponse = types.NodeResponse
  export import Options = types.Options
  export import PolicyDocument = types.PolicyDocument
  export import Problem = types.Problem
  export import Reason = types.Reason
  export import RequestHeaders = types.RequestHeaders
  export import RequestKind = types.RequestKind
  export import SafetyException = types.SafetyException
  export import ShadowDifference = types.ShadowDifference
  export import ShadowRequest = types.ShadowRequest
  export import StaticOrigin = express.StaticOrigin
  export import Verdict = types.Verdict
  export import WebSocketOptions = types.WebSocketOptions
}
export = crossgate
