namespace Operos.Policy.Compiling;

/// <summary>Whose packets a policy is asked about: those to its pods, or those from them.</summary>
internal enum Direction { Ingress, Egress }
