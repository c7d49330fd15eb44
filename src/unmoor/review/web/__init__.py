"""From a run's findings to a local web page on which a person judges them.

Nothing here is imported until `unmoor review` is used: `security` decides who may speak to the page, `app` answers requests,
`sheet`, `talk` and `render` turn items into what the templates show, `server` takes the port.
"""
