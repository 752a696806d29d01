"""What mlferry counts but does not carry: prompts and traces."""

import mlflow

from seed.world import World

PROMPTS = {"greeting": ["Hello {{name}}", "Good day {{name}}", "Moin {{name}}"], "summary.v-1": ["Summarise: {{text}}"]}
TRACES = 3


def fill(world: World) -> None:
    mlflow.set_tracking_uri(world.uri)
    for name, templates in PROMPTS.items():
        for number, template in enumerate(templates, 1):
            world.client.register_prompt(name, template, f"commit {number}", {"n": str(number)})
    world.client.set_prompt_alias("greeting", "production", 2)
    experiment = world.remember("experiment.traces", world.experiment("traces"))
    mlflow.set_experiment(experiment_id=experiment)
    for number in range(TRACES):
        with mlflow.start_span(f"trace {number}") as span:
            span.set_inputs({"question": number})
            with mlflow.start_span("inner"):
                pass
            span.set_outputs({"answer": number + 1})
    mlflow.flush_trace_async_logging()
    found = world.rest(f"traces?experiment_ids={experiment}&max_results=10", method="GET")["traces"]
    assert len(found) == TRACES, len(found)
