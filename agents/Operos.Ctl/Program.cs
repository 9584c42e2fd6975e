using Operos.Ctl;
using Operos.Ctl.Commands;

return await Outcome.RunAsync(CommandTree.Create(), args);
