"""Of what Arazzo documents are made: 1.0.1 and 1.1.0, section "Schema" of each specification."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from harness.contract.model import JSON
from harness.lint.shape import Language, Shapes, language, shapes
from harness.lint.shapes_openapi import JSON_SCHEMA

_V10 = f"""
Arazzo: arazzo!:text info!:Info sourceDescriptions!:[Source] workflows!:[Workflow] components:Components
Info: title!:text summary:text description:text version!:text
Source: name!:text url!:uri type:=openapi,arazzo
Workflow: workflowId!:text summary:text description:text inputs:Schema dependsOn:[text] steps!:[Step]
    successActions:[SuccessAction] failureActions:[FailureAction] outputs:{{text}} parameters:[Parameter]
Step: description:text stepId!:text operationId:text operationPath:text workflowId:text parameters:[Parameter]
    requestBody:RequestBody successCriteria:[Criterion] onSuccess:[SuccessAction] onFailure:[FailureAction]
    outputs:{{text}}
Parameter: name!:text in:=path,query,header,cookie value!:any
SuccessAction: name!:text type!:=end,goto workflowId:text stepId:text criteria:[Criterion]
FailureAction: name!:text type!:=end,retry,goto workflowId:text stepId:text retryAfter:number
    retryLimit:integer criteria:[Criterion]
Components: inputs:{{Schema}} parameters:{{Parameter}} successActions:{{SuccessAction}}
    failureActions:{{FailureAction}}
Reusable~: reference!:text value:any
Criterion: context:text condition!:text type:=simple,regex,jsonpath,xpath|ExpressionType
ExpressionType: type!:=jsonpath,xpath
    version!:=draft-goessner-dispatch-jsonpath-00,rfc9535,xpath-31,xpath-30,xpath-20,xpath-10
RequestBody: contentType:text payload:any replacements:[Replacement]
Replacement: target!:text value!:any
{JSON_SCHEMA.strip()}
"""

_V11 = """
+Arazzo: $self:uri
+Source: type:=openapi,asyncapi,arazzo
+Workflow: outputs:{text|Selector}
+Step: channelPath:text timeout:integer correlationId:text action:=send,receive dependsOn:[text]
    outputs:{text|Selector}
+Parameter: in:=path,query,querystring,header,cookie
+SuccessAction: parameters:[Parameter]
+FailureAction: parameters:[Parameter]
+ExpressionType: type!:=jsonpath,xpath,jsonpointer
    version!:=draft-goessner-dispatch-jsonpath-00,rfc9535,rfc6901,xpath-31,xpath-30,xpath-20,xpath-10
Selector: context!:text selector!:text type!:=jsonpath,xpath,jsonpointer|ExpressionType
+Replacement: targetSelectorType:=jsonpath,xpath,jsonpointer|ExpressionType
"""

_NAMES = {
    "Arazzo": "Arazzo document",
    "Info": "description of the workflows ('info')",
    "Source": "source description",
    "Components": "list of components",
    "Reusable": "reusable object",
    "Replacement": "payload replacement",
}
_REUSED = frozenset(("Parameter", "SuccessAction", "FailureAction"))


@lru_cache
def arazzo(minor: int) -> Language:
    """The language of Arazzo 1.``minor``; of the newest known where it is newer still."""
    found: Shapes = shapes(_V10)
    if minor >= 1:
        found = shapes(_V11, found)
    return replace(language(found, "Arazzo", _NAMES), in_truth=_in_truth)


def _in_truth(kind: str, value: JSON) -> str:
    """A mapping with a ``reference`` is a Reusable Object, wherever one may stand."""
    return "Reusable" if kind in _REUSED and isinstance(value, dict) and "reference" in value else kind
