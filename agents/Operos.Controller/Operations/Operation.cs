using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>Something that an operator can do: its input, who may, what the audit log keeps of it, and its result.</summary>
/// <param name="name">As operosctl calls it.</param>
/// <param name="role">The smallest role that may.</param>
internal abstract class Operation(string name, OperatorRole role)
{
    public string Name { get; } = name;

    public abstract Type Input { get; }

    /// <summary>Whether it changes something: then the audit log has it, done or refused.</summary>
    public virtual bool Changes => true;

    /// <summary>Whether it gives somebody power over the cluster: then it is not done where the audit log cannot be written.</summary>
    public virtual bool GivesPower => false;

    /// <summary>The smallest role that may do it to what the input names.</summary>
    public virtual OperatorRole RoleFor(Message input, Caller caller) => role;

    /// <summary>What the audit log keeps of the input. Never a secret, never a certificate or a request for one.</summary>
    public virtual IEnumerable<(string Name, string? Value)> Record(Message input) => [];

    /// <exception cref="RefusedException">It is not done.</exception>
    public abstract Task<Message> RunAsync(Message input, Caller caller, CancellationToken cancellationToken);
}

/// <summary>An operation that changes something.</summary>
internal abstract class Operation<TInput>(string name, OperatorRole role) : Operation(name, role) where TInput : Message
{
    public sealed override Type Input => typeof(TInput);

    public sealed override OperatorRole RoleFor(Message input, Caller caller) => RoleFor((TInput)input, caller);

    public sealed override IEnumerable<(string Name, string? Value)> Record(Message input) => Record((TInput)input);

    public sealed override Task<Message> RunAsync(Message input, Caller caller, CancellationToken cancellationToken) =>
        RunAsync((TInput)input, caller, cancellationToken);

    protected virtual OperatorRole RoleFor(TInput input, Caller caller) => base.RoleFor(input, caller);

    protected abstract IEnumerable<(string Name, string? Value)> Record(TInput input);

    protected abstract Task<Message> RunAsync(TInput input, Caller caller, CancellationToken cancellationToken);
}

/// <summary>An operation that shows something and changes nothing; any operator may.</summary>
internal abstract class Reading<TInput>(string name, OperatorRole role = OperatorRole.Viewer) : Operation(name, role) where TInput : Message
{
    public sealed override Type Input => typeof(TInput);

    public sealed override bool Changes => false;

    public sealed override Task<Message> RunAsync(Message input, Caller caller, CancellationToken cancellationToken) =>
        Task.FromResult(Read((TInput)input, caller));

    protected abstract Message Read(TInput input, Caller caller);
}
