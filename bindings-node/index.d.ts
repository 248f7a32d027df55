import types = require('./types.js')

/** Middleware with the options of the package `cors`. Everything else stands beside it. */
declare function crossgate<T extends types.CorsRequest = types.CorsRequest>(
  options?: types.CorsOptions | types.CorsPolicyOptions | types.CorsOptionsDelegate<T>
): types.CorsMiddleware<T>
declare namespace crossgate {
  export import Counters = types.Counters
  export import Policy = types.Policy
  export import PolicyError = types.PolicyError
  export import SharedPolicy = types.SharedPolicy
  export import cors = types.cors
  export import Action = types.Action
  export import CorsMiddleware = types.CorsMiddleware
  export import CorsOptions = types.CorsOptions
  export import CorsOptionsDelegate = types.CorsOptionsDelegate
  export import CorsPolicyOptions = types.CorsPolicyOptions
  export import CorsRequest = types.CorsRequest
  export import CustomOrigin = types.CustomOrigin
  export import Decision = types.Decision
  export import Gate = types.Gate
  export import HeaderValue = types.HeaderValue
  export import Kind = types.Kind
  export import NodeRequest = types.NodeRequest
  export import NodeResponse = types.NodeResponse
  export import Options = types.Options
  export import PolicyDocument = types.PolicyDocument
  export import Problem = types.Problem
  export import Reason = types.Reason
  export import RequestHeaders = types.RequestHeaders
  export import ShadowDifference = types.ShadowDifference
  export import StaticOrigin = types.StaticOrigin
  export import Verdict = types.Verdict
  export import WebSocketOptions = types.WebSocketOptions
}
export = crossgate
